// Programs whose stdout or stderr is closed, full or read by nobody: their files are written all the same.
#include "tests/programs/model_fixture.h"

namespace sunder {
namespace {

// After a while, when the reader is gone; the exit code is the program's.
constexpr const char* without_reader = R"((sleep 0.2; exec "$0" "$@") | :; exit ${PIPESTATUS[0]})";

std::string with(const std::string& redirections) { return "exec \"$0\" \"$@\" " + redirections; }

class StreamsTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    if (IsSkipped()) return;
    model_ = write_model("model.safetensors");
    write_noise("mix.wav", 3000, 1);
    ASSERT_EQ(separate("expected", {"mix.wav"}).code, 0);
  }

  ProgramResult separate(const std::string& output, const std::vector<std::string>& inputs,
                         const std::string& shell = "") const {
    std::vector<std::string> arguments = {"--model", model_, "-o", output, "--threads", "1", "--no-pictures"};
    arguments.insert(arguments.end(), inputs.begin(), inputs.end());
    return run_program("sunder-separate", arguments, {.folder = folder_.string(), .shell = shell});
  }

  std::string model_;
};

TEST_F(StreamsTest, SeparationsAreWritten) {
  const auto expect = [&](const std::string& shell, int code, int code_of_batch) {
    SCOPED_TRACE(shell);
    std::filesystem::remove_all(folder_ / "out");
    ProgramResult result = separate("out", {"mix.wav"}, shell);
    EXPECT_EQ(result.code, code) << result.err;
    if (code == 1) expect_contains(result.err, {"sunder-separate: standard output: cannot be written: "});
    // The first file is missing: a message comes before the work is done.
    result = separate("batch", {"missing.wav", "mix.wav"}, shell);
    EXPECT_EQ(result.code, code_of_batch) << result.err;
    for (const char* name : {"mix_s1.wav", "mix_s2.wav"})
      for (const char* folder : {"out/", "batch/"})
        EXPECT_EQ(read(std::string(folder) + name), read(std::string("expected/") + name)) << folder << name;
    std::filesystem::remove_all(folder_ / "batch");
  };
  expect(with(">/dev/full"), 1, 7);
  expect(without_reader, 1, 7);
  for (const char* redirections : {"2>/dev/full", ">&-", "2>&-", "<&- >&- 2>&-"}) expect(with(redirections), 0, 7);
}

TEST_F(StreamsTest, ScoresAreWritten) {
  write_noise("references/s1/x.wav", 3000, 1);
  write_noise("references/s2/x.wav", 3000, 2);
  write_noise("estimates/s1/x.wav", 3000, 3);
  write_noise("estimates/s2/x.wav", 3000, 4);
  const auto evaluate = [&](const std::string& name, const std::string& shell) {
    return run_program("sunder-evaluate",
                       {"--references", at("references"), "--estimates", at("estimates"), "--metrics", "si_sdr",
                        "--csv", at(name + ".csv"), "--json", at(name + ".json"), "--threads", "1"},
                       {.shell = shell});
  };
  ASSERT_EQ(evaluate("expected", "").code, 0);
  EXPECT_EQ(evaluate("full", with(">/dev/full")).code, 1);
  EXPECT_EQ(evaluate("closed", with("<&- >&- 2>&-")).code, 0);
  EXPECT_EQ(evaluate("mute", with("2>/dev/full")).code, 0);
  for (const std::string name : {"full", "closed", "mute"})
    for (const char* extension : {".csv", ".json"})
      EXPECT_EQ(read(name + extension), read(std::string("expected") + extension)) << name << extension;
}

TEST_F(StreamsTest, LostTextIsAFailure) {
  for (const char* flag : {"--version", "--help"})
    for (const char* program : {"sunder-info", "sunder-separate", "sunder-evaluate"}) {
      const ProgramResult result = run_program(program, {flag}, {.shell = with(">/dev/full")});
      EXPECT_EQ(result.code, 1) << program;
      EXPECT_EQ(result.err, std::string(program) + ": standard output: cannot be written: No space left on device\n");
    }
}

}  // namespace
}  // namespace sunder
