// Training programs whose stdout or stderr is closed or full: the run is as whole as any other.
#include "files/crc32c.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

class TrainingStreamsTest : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    if (IsSkipped()) return;
    const ProgramResult made = prepare("set", 8);
    ASSERT_EQ(made.code, 0) << made.err;
  }

  ProgramResult train_with(const std::string& run, const std::string& redirections) const {
    return train("pit", "set", run, {"--max-epochs", "1"}, {.shell = "exec \"$0\" \"$@\" " + redirections});
  }

  // Records of the run's TensorBoard file, of which every byte must belong to one (a TFRecord: length, its checksum,
  // data, its checksum).
  int count_events(const std::string& run) const {
    std::string bytes;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / run))
      if (entry.path().filename().string().starts_with("events.out.tfevents.")) bytes += read(entry.path());
    const auto masked = [](std::string_view text) {
      const uint32_t crc = crc32c(text);
      return (crc >> 15 | crc << 17) + 0xa282ead8u;
    };
    int count = 0;
    size_t begin = 0;
    for (uint64_t length = 0; begin + 16 <= bytes.size(); begin += 16 + length, ++count) {
      std::memcpy(&length, &bytes[begin], 8);
      uint32_t crc = 0;
      if (length > bytes.size() - begin - 16) return -1;
      std::memcpy(&crc, &bytes[begin + 12 + length], 4);
      if (crc != masked(std::string_view(bytes).substr(begin + 12, length))) return -1;
    }
    return begin == bytes.size() ? count : -1;
  }
};

TEST_F(TrainingStreamsTest, RunsAreWhole) {
  ASSERT_EQ(train("pit", "set", "expected", {"--max-epochs", "1"}).code, 0);
  const auto lines = [&](const std::string& run) {
    const std::string text = read(run + "/log.txt");
    return std::count(text.begin(), text.end(), '\n');
  };
  ASSERT_GT(count_events("expected"), 3);
  int number = 0;
  for (const char* redirections : {"2>/dev/full", "<&- >&- 2>&-", "2>&-", ">/dev/full"}) {
    SCOPED_TRACE(redirections);
    const std::string run = std::to_string(number++);
    const bool lost = std::string(redirections) == ">/dev/full";
    const ProgramResult result = train_with(run, redirections);
    EXPECT_EQ(result.code, lost ? 1 : 0) << result.err;
    if (lost) expect_contains(result.err, {"sunder-train-pit: standard output: cannot be written: "});
    expect_same_run("expected", run);
    EXPECT_EQ(count_events(run), count_events("expected"));
    EXPECT_EQ(lines(run), lines("expected"));
    expect_contains(read(run + "/results.md"), {"| pit | 1 | 2 |"});
  }
}

TEST_F(TrainingStreamsTest, ALogThatCannotBeWrittenStopsNothing) {
  ASSERT_EQ(train("pit", "set", "expected", {"--max-epochs", "1"}).code, 0);
  std::filesystem::create_directories(folder_ / "run");
  std::filesystem::create_symlink("/dev/full", folder_ / "run/log.txt");
  const ProgramResult result = train("pit", "set", "run", {"--max-epochs", "1", "--resume", "auto"});
  EXPECT_EQ(result.code, 0) << result.err;
  expect_same_run("expected", "run");
  const size_t first = result.err.find("the log cannot be written: ");
  EXPECT_NE(first, std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("the log cannot be written: ", first + 1), std::string::npos) << "said once";
}

}  // namespace
}  // namespace sunder
