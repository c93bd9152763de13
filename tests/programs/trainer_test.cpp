// What a trainer can do beside a recipe (docs/training.md), as a user does it.
#include "files/safetensors.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

class TrainerTest : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const ProgramResult made = prepare("set", 42);
    ASSERT_EQ(made.code, 0) << made.err;
  }
  SafeTensors model(const std::string& checkpoint) const {
    return read_safetensors(folder_ / checkpoint / "model.safetensors");
  }
  static std::vector<std::string> set(const std::vector<std::string>& keys) {
    std::vector<std::string> words;
    for (const std::string& key : keys) words.insert(words.end(), {"--set", key});
    return words;
  }
  // A run of two epochs that is stopped after some lines of metrics and resumed ends as one that was not.
  void expect_same_after_a_stop(const std::string& method, std::vector<std::string> more, size_t lines) const {
    more.insert(more.end(), {"--max-epochs", "2", "--set", "train.checkpoint_minutes=1e-6"});
    const ProgramResult whole = train(method, "set", "whole", more);
    ASSERT_EQ(whole.code, 0) << whole.err;
    {
      Background program("sunder-train-" + method, arguments("set", "stopped", more), folder_ / "said.txt");
      wait_for_metrics("stopped", lines, program);
      program.kill(SIGTERM);
      ASSERT_EQ(program.wait(), 75) << program.said();
    }
    EXPECT_EQ(state("stopped/checkpoints/last")["inside_epoch"], 1);
    const ProgramResult rest = resume(method, "stopped");
    ASSERT_EQ(rest.code, 0) << rest.err;
    expect_same_run("whole", "stopped");
  }
};

TEST_F(TrainerTest, MicroBatchesMakeTheStepsOfALargeBatch) {
  for (const std::string method : {"pit", "mixcycle"}) {
    std::vector<std::string> more = {"--max-epochs", "2", "--precision", "fp64", "--set", "mixcycle.init_epochs=1"};
    ASSERT_EQ(train(method, "set", method + "-large", more).code, 0);
    more.insert(more.end(), {"--batch", "2", "--set", "train.accumulate=2"});
    const ProgramResult run = train(method, "set", method + "-small", more);
    ASSERT_EQ(run.code, 0) << run.err;
    const auto large = metrics(method + "-large"), small = metrics(method + "-small");
    ASSERT_EQ(large.size(), small.size());
    for (size_t i = 0; i < large.size(); ++i)
      for (const char* key : {"loss", "gradient_norm", "train_loss", "valid_si_snri"})
        if (large[i].contains(key)) {
          EXPECT_NEAR(large[i][key].get<double>(), small[i].at(key).get<double>(), 1e-9) << key << " " << i;
        }
    // 42 mixtures: the last two fill no step. MixPIT takes pairs of batches.
    EXPECT_EQ(state(method + "-small/checkpoints/last")["steps"], method == "pit" ? 20 : 5 + 10);
  }
}

TEST_F(TrainerTest, MicroBatchesThatCannotExchangeOrFillAStepAreRefused) {
  const ProgramResult odd = train("mixcycle", "set", "run", {"--batch", "3", "--set", "train.accumulate=2"});
  EXPECT_EQ(odd.code, 2);
  expect_contains(odd.err, {"train.batch: expected a multiple of 2"});
  const ProgramResult few = train("mixit", "set", "run", {"--set", "train.accumulate=6"});
  EXPECT_EQ(few.code, 3);
  expect_contains(few.err, {"expected at least 48 training mixtures for 12 batches of train.batch = 4, got 42"});
}

TEST_F(TrainerTest, AStopAmongMicroBatchesChangesNothing) {
  expect_same_after_a_stop("mixcycle", set({"mixcycle.init_epochs=1", "train.batch=2", "train.accumulate=2"}), 3);
}

}  // namespace
}  // namespace sunder
