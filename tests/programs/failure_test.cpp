// Runs that an error ends: what was learned is in a checkpoint, from which the run goes on as if nothing had been.
#include <fstream>
#include <set>

#include "files/csv.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class FailureTest : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    if (IsSkipped()) return;
    write_corpus("corpus", {{"train", 12}, {"valid", 2}, {"test", 2}});
    ASSERT_EQ(prepare("set", 48).code, 0);
    ASSERT_EQ(train("mixcycle", "set", "whole", options_).code, 0);
  }

  // MixPIT for an epoch of 6 steps, then MixCycle for two of 12. No checkpoint but at an epoch's end.
  const std::vector<std::string> options_ = {"--max-epochs", "3", "--set", "mixcycle.init_epochs=1"};

  // A recording that the first epoch needs, but not before its third step.
  fs::path needed_late() const {
    const CsvTable list = CsvTable::read(folder_ / "set/train.csv");
    std::set<std::string> before;
    int64_t place = 0;
    for (const int64_t row : Random(0, RandomUse::shuffle, 0).permutation(list.size())) {
      for (const char* source : {"source_1_path", "source_2_path"}) {
        const std::string& path = list.at(row, source);
        if (before.insert(path).second && place >= 16) return folder_ / "corpus" / path;
      }
      ++place;
    }
    throw_error("every recording is needed at once");
  }

  // The run "failed" ends with `code` and a checkpoint; after `mend` it goes on to the same bits as "whole".
  void expect_saved_and_mended(const ProgramResult& result, int code, const std::vector<std::string>& parts,
                               const std::function<void()>& mend) const {
    EXPECT_EQ(result.code, code) << result.err;
    expect_contains(result.err, parts);
    const auto last = state("failed/checkpoints/last");
    expect_contains(result.err,
                    {fmt::format("an error ends the run after step {}; the checkpoint is in {}; resume with --resume "
                                 "auto",
                                 last["steps"].get<int64_t>(), at("failed/checkpoints/last"))});
    mend();
    const ProgramResult rest = resume("mixcycle", "failed");
    ASSERT_EQ(rest.code, 0) << rest.err;
    expect_same_run("whole", "failed");
  }
};

TEST_F(FailureTest, AFileThatIsBroken) {
  const fs::path file = needed_late(), aside = at("aside.wav");
  fs::rename(file, aside);
  std::ofstream(file) << "no sound";
  const ProgramResult result = train("mixcycle", "set", "failed", options_);
  const auto last = state("failed/checkpoints/last");
  EXPECT_GE(last["steps"], 2);
  EXPECT_LT(last["steps"], 6) << "within the first epoch";
  expect_saved_and_mended(result, 3, {"/corpus/" + file.filename().string() + ": cannot be read as audio"},
                          [&] { fs::rename(aside, file); });
}

// It ends the run before it begins.
TEST_F(FailureTest, AFileThatIsGone) {
  const fs::path file = needed_late();
  fs::remove(file);
  const ProgramResult result = train("mixcycle", "set", "failed", options_);
  EXPECT_EQ(result.code, 3);
  expect_contains(result.err, {"set/train.csv: ", "/corpus/" + file.filename().string() + ": no such file"});
  EXPECT_FALSE(fs::exists(folder_ / "failed/metrics.jsonl"));
}

TEST_F(FailureTest, AValidationThatFailsIsMadeAgain) {
  std::vector<std::string> names;
  for (int speaker : {12, 13})
    for (const char* end : {"_0.flac", "_1.wav", "_2.wav"}) names.push_back(fmt::format("s{}{}", speaker, end));
  fs::create_directories(folder_ / "aside");
  for (const std::string& name : names) {
    fs::rename(folder_ / "corpus" / name, folder_ / "aside" / name);
    write("corpus/" + name, "no sound");
  }
  const ProgramResult result = train("mixcycle", "set", "failed", options_);
  EXPECT_EQ(state("failed/checkpoints/last")["steps"], 6) << "the first epoch's";
  expect_saved_and_mended(result, 3, {": cannot be read as audio"}, [&] {
    for (const std::string& name : names) fs::rename(folder_ / "aside" / name, folder_ / "corpus" / name);
  });
}

// The score was ranked already, but neither written nor kept: the resumed run must find it best again.
TEST_F(FailureTest, AValidationThatCannotBeWrittenIsMadeAgain) {
  fs::create_directories(folder_ / "failed/curves.png/in_the_way");
  std::vector<std::string> options = options_;
  options.insert(options.end(), {"--resume", "auto"});  // or what is in the folder already would be respected
  const ProgramResult result = train("mixcycle", "set", "failed", options);
  EXPECT_EQ(state("failed/checkpoints/last")["has_best"], 0);
  expect_saved_and_mended(result, 1, {at("failed/curves.png")}, [&] { fs::remove_all(folder_ / "failed/curves.png"); });
}

TEST_F(FailureTest, TheFirstErrorIsReportedWhereNothingCanBeSaved) {
  const fs::path file = needed_late();
  const auto bytes_of = [&](const char* part) { return fs::file_size(folder_ / "whole/checkpoints/last" / part); };
  const rlim_t model = bytes_of("model.safetensors"), optimizer = bytes_of("optimizer.safetensors");
  ASSERT_GT(optimizer, model);
  std::ofstream(file) << "no sound";
  // Enough for all files of the run but the optimiser's state.
  const ProgramResult result = train("mixcycle", "set", "failed", options_, {.file_bytes = (model + optimizer) / 2});
  EXPECT_EQ(result.code, 3) << result.err;
  expect_contains(result.err, {"its checkpoint could not be saved: ", "optimizer.safetensors",
                               "/corpus/" + file.filename().string() + ": cannot be read as audio"});
  EXPECT_EQ(checkpoints("failed"), std::vector<std::string>());
}

}  // namespace
}  // namespace sunder
