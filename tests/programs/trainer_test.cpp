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
  std::vector<std::string> more = {"--max-epochs", "2", "--precision", "fp64", "--set", "mixcycle.init_epochs=1"};
  ASSERT_EQ(train("mixcycle", "set", "large", more).code, 0);
  more.insert(more.end(), {"--batch", "2", "--set", "train.accumulate=2"});
  const ProgramResult run = train("mixcycle", "set", "small", more);
  ASSERT_EQ(run.code, 0) << run.err;
  const auto large = metrics("large"), small = metrics("small");
  ASSERT_EQ(large.size(), small.size());
  for (size_t i = 0; i < large.size(); ++i)
    for (const char* key : {"loss", "gradient_norm", "train_loss", "valid_si_snri"})
      if (large[i].contains(key)) {
        EXPECT_NEAR(large[i][key].get<double>(), small[i].at(key).get<double>(), 1e-9) << key << " " << i;
      }
  // 42 mixtures: the last two fill no step. MixPIT takes pairs of batches.
  EXPECT_EQ(state("small/checkpoints/last")["steps"], 5 + 10);
}

TEST_F(TrainerTest, MicroBatchesThatCannotExchangeOrFillAStepAreRefused) {
  const ProgramResult odd = train("mixcycle", "set", "run", {"--batch", "3", "--set", "train.accumulate=2"});
  EXPECT_EQ(odd.code, 2);
  expect_contains(odd.err, {"train.batch: expected a multiple of 2"});
  const ProgramResult few = train("mixit", "set", "run", {"--set", "train.accumulate=6"});
  EXPECT_EQ(few.code, 3);
  expect_contains(few.err, {"expected at least 48 training mixtures for 12 batches of train.batch = 4, got 42"});
}

// Micro-batches, a schedule, averaged weights and frozen ones.
TEST_F(TrainerTest, AStopChangesNothing) {
  expect_same_after_a_stop("mixcycle",
                           set({"mixcycle.init_epochs=1", "train.batch=2", "train.accumulate=2", "optim.warmup_steps=5",
                                "optim.decay=cosine", "optim.decay_share=1", "optim.ema=0.9", "optim.weight_decay=0.1",
                                "optim.freeze=mask_generator.input*"}),
                           3);
}

TEST_F(TrainerTest, TheRateFollowsTheSchedule) {
  // Ten steps an epoch; a validation shows the rate of the step that follows.
  const auto rates = [&](const std::string& run, const std::vector<std::string>& keys) {
    std::vector<std::string> more = set(keys);
    more.insert(more.end(), {"--max-epochs", "2"});
    const ProgramResult result = train("pit", "set", run, more);
    EXPECT_EQ(result.code, 0) << result.err;
    std::vector<double> found;
    for (const auto& row : metrics(run))
      if (row.contains("learning_rate")) found.push_back(row["learning_rate"]);
    return found;
  };
  const std::vector<double> warm = rates("warm", {"optim.lr=0.001", "optim.warmup_steps=15"});
  ASSERT_EQ(warm.size(), 2u);
  EXPECT_DOUBLE_EQ(warm[0], 0.001 * 11 / 15);
  EXPECT_DOUBLE_EQ(warm[1], 0.001);
  const std::vector<double> cycle = rates("cycle", {"optim.lr=0.001", "optim.decay=one-cycle"});
  EXPECT_NEAR(cycle.at(1), 0.001 / 250000, 1e-15);
  const ProgramResult longer = train("pit", "set", "refused", {"--max-epochs", "2", "--set", "optim.warmup_steps=20"});
  EXPECT_EQ(longer.code, 2);
  expect_contains(longer.err, {"optim.warmup_steps: expected fewer than the 20 steps of the run, got 20"});
  EXPECT_FALSE(exists("refused"));
}

TEST_F(TrainerTest, AveragedWeightsAreScoredChosenAndStored) {
  std::vector<std::string> more = set({"optim.ema=0.9", "optim.lr=0.01"});
  more.insert(more.end(), {"--max-epochs", "3"});
  const ProgramResult run = train("pit", "set", "run", more);
  ASSERT_EQ(run.code, 0) << run.err;
  expect_contains(run.err,
                  {"optim.ema = 0.9: model files hold averaged weights", "averaged weights, validation SI-SNRi"});
  expect_contains(run.out, {"| si_snri of averaged weights |"});
  std::optional<double> best;
  double best_of_weights = 0;
  for (const auto& row : metrics("run")) {
    if (!row.contains("best")) continue;
    EXPECT_NE(row["valid_ema_si_snri"], row["valid_si_snri"]);
    if (best && row["valid_ema_si_snri"] <= *best) {
      EXPECT_EQ(row["best"], false);
      continue;
    }
    EXPECT_EQ(row["best"], true);
    best = row["valid_ema_si_snri"];
    best_of_weights = row["valid_si_snri"];
  }
  ASSERT_TRUE(best);
  expect_contains(run.out, {fmt::format("{:.2f} dB", *best)});
  expect_contains(model("run/checkpoints/best").metadata.at("weights"), {"average"});

  // The model file begins a run that scores as the averaged weights do.
  const ProgramResult again =
      train("pit", "set", "again", {"--init", at("run"), "--max-epochs", "1", "--set", "optim.lr=0"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_FALSE(model("again/checkpoints/best").metadata.contains("weights"));
  const double score = metrics("again").back()["valid_si_snri"];
  EXPECT_NE(*best, best_of_weights);
  // Segments are whole items, so that the epoch does not matter.
  EXPECT_NEAR(score, *best, 1e-4);
}

TEST_F(TrainerTest, FrozenWeightsKeepTheirBits) {
  ASSERT_EQ(train("pit", "set", "whole", {"--max-epochs", "1"}).code, 0);
  std::vector<std::string> more = {"--max-epochs",           "1",    "--init", at("whole"), "--set",
                                   "optim.weight_decay=0.1", "--set"};
  more.emplace_back("optim.freeze=mask_generator.input*, *.bias");
  const ProgramResult run = train("pit", "set", "part", more);
  ASSERT_EQ(run.code, 0) << run.err;
  expect_contains(run.err, {"initial weights from " + at("whole") + ": ", "frozen: "});
  const auto before = model("whole/checkpoints/best").tensors, after = model("part/checkpoints/last").tensors;
  int frozen = 0;
  for (const auto& [name, tensor] : before) {
    const bool expected = name.starts_with("mask_generator.input") || name.ends_with(".bias");
    frozen += expected;
    EXPECT_EQ(tensor.to_vector<float>() == after.at(name).to_vector<float>(), expected) << name;
  }
  EXPECT_GT(frozen, 3);
  const ProgramResult refused = train("pit", "set", "refused", {"--set", "optim.freeze=mask_generator.inptu_conv.*"});
  EXPECT_EQ(refused.code, 2);
  expect_contains(refused.err, {"'mask_generator.inptu_conv.*', which none matches; near: mask_generator.input_conv."});
  EXPECT_FALSE(exists("refused"));
}

TEST_F(TrainerTest, InitialWeightsOfAnotherSizeAreTakenWhereTheyMatch) {
  ASSERT_EQ(train("pit", "set", "small", {"--max-epochs", "1"}).code, 0);
  std::vector<std::string> more = {"--init", at("small"), "--max-epochs", "1", "--set", "model.num_hidden=24"};
  const ProgramResult refused = train("pit", "set", "large", more);
  EXPECT_EQ(refused.code, 4);
  expect_contains(refused.err,
                  {"have another shape and 0 are unused: train.init_partial = true takes those that match"});
  more.insert(more.end(), {"--set", "train.init_partial=true", "--set", "optim.lr=0"});
  const ProgramResult run = train("pit", "set", "large", more);
  ASSERT_EQ(run.code, 0) << run.err;
  expect_contains(run.err,
                  {"initial weights from " + at("small") + ": ", " of another shape there, which begin at random: "});
  const auto small = model("small/checkpoints/best").tensors, large = model("large/checkpoints/last").tensors;
  EXPECT_EQ(small.at("mask_generator.input_conv.weight").to_vector<float>(),
            large.at("mask_generator.input_conv.weight").to_vector<float>());
}

TEST_F(TrainerTest, ADryRunTriesEverythingAndLeavesNothing) {
  const auto files = [&] {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) names.push_back(entry.path());
    std::sort(names.begin(), names.end());
    return names;
  };
  const auto before = files();
  std::vector<std::string> more =
      set({"mixcycle.init_epochs=1", "optim.ema=0.9", "train.batch=2", "train.accumulate=2"});
  more.insert(more.end(), {"--max-epochs", "4", "--dry-run"});
  const ProgramResult dry = train("mixcycle", "set", "deep/run", more);
  EXPECT_EQ(dry.code, 0) << dry.err;
  expect_contains(dry.out, {"| mixpit: a step | ", "| mixpit: an epoch of 5 steps | ", "| mixcycle: a step | ",
                            "| mixcycle: an epoch of 10 steps | ", "| a validation of 4 items | ", "| the run | 00:",
                            " for 4 epochs |", "| memory | ", "| a checkpoint | ", " for 4 checkpoints, "});
  EXPECT_EQ(files(), before);

  const std::vector<std::string> one = {"--max-epochs", "1"};
  ASSERT_EQ(train("pit", "set", "run", one).code, 0);
  const auto with_run = files();
  const ProgramResult taken = train("pit", "set", "run", {"--max-epochs", "1", "--dry-run"});
  EXPECT_EQ(taken.code, 2);
  expect_contains(taken.err, {at("run") + ": holds a run already"});
  EXPECT_EQ(resume("pit", "run", {"--dry-run"}).code, 0);
  const ProgramResult refused = train("pit", "set", "new", {"--dry-run", "--init", at("corpus")});
  EXPECT_EQ(refused.code, 4) << refused.err;
  EXPECT_EQ(files(), with_run);
}

TEST_F(TrainerTest, ACommandIsToldHowARunEnded) {
  const std::string told = "train.notify=printf '%s %s\\n%s' \"$SUNDER_RUN\" \"$SUNDER_EXIT\" \"$SUNDER_SUMMARY\" > ";
  const ProgramResult run = train("pit", "set", "run", {"--max-epochs", "1", "--set", told + "told.txt"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(read("run/told.txt"), at("run") + " 0\n" + run.out);

  const ProgramResult failed =
      train("pit", "set", "failed", {"--init", at("none.safetensors"), "--set", told + at("failure.txt")});
  EXPECT_NE(failed.code, 0);
  const std::string text = read("failure.txt");
  expect_contains(text, {at("failed") + fmt::format(" {}\n", failed.code), at("none.safetensors")});
  expect_contains(failed.err, {text.substr(text.find('\n') + 1)});

  const ProgramResult silent =
      train("pit", "set", "silent", {"--max-epochs", "1", "--set", "train.notify=echo no mail here >&2; exit 3"});
  EXPECT_EQ(silent.code, 0) << silent.err;
  for (const std::string& log : {silent.err, read("silent/log.txt")})
    expect_contains(log,
                    {"train.notify: the command 'echo no mail here >&2; exit 3' failed: exit code 3: no mail here"});
}

}  // namespace
}  // namespace sunder
