// The training programs on a small corpus: the files of a run, which depend on its seed alone.
#include "files/safetensors.h"
#include "tests/programs/training_fixture.h"
#include "train/checkpoint.h"

namespace sunder {
namespace {

class TrainTest : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    if (IsSkipped()) return;
    const ProgramResult made = prepare("set", 16);
    ASSERT_EQ(made.code, 0) << made.err;
  }

  std::map<std::string, std::string> parameters(const std::string& run) const {
    std::map<std::string, std::string> bytes;
    for (const auto& [name, tensor] : read_safetensors(folder_ / run / "checkpoints/last/model.safetensors").tensors)
      bytes[name] = {reinterpret_cast<const char*>(tensor.raw()), tensor.bytes()};
    return bytes;
  }
  // All event files of a run; names and texts appear in them verbatim.
  std::string events(const std::string& run) const {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / run))
      if (entry.path().filename().string().starts_with("events.out.tfevents.")) all += read(entry.path());
    return all;
  }
};

class EveryMethod : public TrainTest, public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(Programs, EveryMethod, testing::Values("pit", "mixit", "mixpit", "mixcycle"),
                         [](const auto& instance) { return instance.param; });

TEST_P(EveryMethod, LeavesAWholeRun) {
  const std::string& method = GetParam();
  const ProgramResult run = train(method, "set", "run", {"--max-epochs", "2", "--set", "mixcycle.init_epochs=1"});
  ASSERT_EQ(run.code, 0) << run.err;
  expect_contains(run.out, {"| method | epochs | steps |", "| " + method + " | 2 |"});
  EXPECT_EQ(read("run/results.md"), run.out);
  EXPECT_EQ(read("run/log.txt"), run.err);
  expect_contains(read("run/config.toml"), {"set = \"" + at("set") + "\"", "max_epochs = 2"});
  EXPECT_EQ(read("run/curves.png").substr(1, 3), "PNG");
  expect_contains(events("run"), {"brain.Event:2", "training/loss", "training/gradient_norm", "validation/si_snri",
                                  "validation/collapse_db", "example/spectrograms", "example/mixture",
                                  "example/estimate_1", "example/estimate_2", "audio/wav"});

  // 16 mixtures in batches of 4; pairs of batches in all but PIT and MixCycle's second epoch.
  const int64_t steps = method == "pit" ? 8 : method == "mixcycle" ? 2 + 4 : 4;
  EXPECT_EQ(state("run/checkpoints/last")["steps"], steps);
  EXPECT_EQ(state("run/checkpoints/last")["epoch"], 1);
  EXPECT_EQ(read("run/checkpoints/best/manifest.json").find("\"best\": false"), std::string::npos);
  const auto rows = metrics("run");
  ASSERT_EQ(rows.size(), steps + 2u);
  int64_t step = 0, validations = 0;
  for (const auto& row : rows) {
    if (row.contains("valid_si_snri")) {
      ++validations;
      EXPECT_EQ(row["step"], step);
      EXPECT_TRUE(row["train_loss"].is_number() && row["valid_si_snri"].is_number() &&
                  row["valid_collapse_db"].is_number());
      EXPECT_EQ(row.contains("valid_si_snri_oracle"), method == "mixit");
    } else {
      EXPECT_EQ(row["step"], ++step);
      EXPECT_TRUE(row["loss"].is_number() && row["gradient_norm"].is_number());
    }
  }
  EXPECT_EQ(step, steps);
  EXPECT_EQ(validations, 2);

  const SafeTensors model = read_safetensors(folder_ / "run/checkpoints/best/model.safetensors");
  EXPECT_EQ(model.metadata.at("architecture"), "stft-conv-tasnet");
  EXPECT_EQ(model.metadata.at("method"), method);
  EXPECT_EQ(model.metadata.at("sample_rate"), "8000");
  const int64_t outputs = method == "mixit" ? 4 : 2;
  EXPECT_EQ(model.tensors.at("mask_generator.output_conv.weight").size(0), outputs * 65);
}

TEST_F(TrainTest, TheEpochsLossIsTheMeanOfItsSteps) {
  ASSERT_EQ(train("pit", "set", "run", {"--max-epochs", "1"}).code, 0);
  const auto rows = metrics("run");
  double sum = 0;
  for (size_t i = 0; i < 4; ++i) sum += rows[i]["loss"].get<double>();
  EXPECT_NEAR(rows[4]["train_loss"].get<double>(), sum / 4, 1e-12);
}

TEST_F(TrainTest, SameSeedSameBytesOtherSeedOtherBytes) {
  const std::vector<std::string> once = {"--max-epochs", "2", "--set", "mixcycle.init_epochs=1"};
  ASSERT_EQ(train("mixcycle", "set", "a", once).code, 0);
  ASSERT_EQ(train("mixcycle", "set", "b", once).code, 0);
  expect_same_run("a", "b");
  std::vector<std::string> other = once;
  other.insert(other.end(), {"--seed", "1"});
  ASSERT_EQ(train("mixcycle", "set", "c", other).code, 0);
  EXPECT_NE(parameters("a"), parameters("c"));
}

// For example MixCycle from MixPIT's weights, which a resumed run does not read again.
TEST_F(TrainTest, BeginsWithTheWeightsOfAnotherRun) {
  ASSERT_EQ(train("mixpit", "set", "before", {"--max-epochs", "1"}).code, 0);
  const std::vector<std::string> still = {"--max-epochs", "1", "--set", "optim.lr=1e-300"};  // 0 in float32
  for (const std::string init : {"before", "before/checkpoints/last", "before/checkpoints/last/model.safetensors"}) {
    std::vector<std::string> options = still;
    options.insert(options.end(), {"--init", at(init)});
    const std::string run = "from-" + std::to_string(init.size());
    const ProgramResult result = train("mixcycle", "set", run, options);
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(parameters(run), parameters("before")) << init;
  }
  std::filesystem::remove_all(folder_ / "before");
  EXPECT_EQ(resume("mixcycle", "from-6", {"--max-epochs", "2"}).code, 0);
  std::vector<std::string> gone = still;
  gone.insert(gone.end(), {"--init", at("before")});
  const ProgramResult refused = train("mixcycle", "set", "refused", gone);
  EXPECT_EQ(refused.code, 4) << refused.err;
  expect_contains(refused.err, {at("before")});
  EXPECT_FALSE(exists("refused"));
}

TEST_F(TrainTest, ThreadsChangeNothing) {
  for (const char* threads : {"1", "2"})
    ASSERT_EQ(train("mixpit", "set", threads,
                    {"--max-epochs", "1", "--threads", threads, "--set", std::string("data.loader_threads=") + threads})
                  .code,
              0);
  EXPECT_EQ(parameters("1"), parameters("2"));
  EXPECT_EQ(metrics("1"), metrics("2"));
}

TEST_F(TrainTest, DoublePrecisionRuns) {
  for (const char* method : {"pit", "mixit", "mixcycle"}) {
    const std::vector<std::string> more = {"--max-epochs", "1", "--set", "mixcycle.init_epochs=0"};
    std::vector<std::string> wide = more;
    wide.insert(wide.end(), {"--precision", "fp64"});
    const std::string run(method);
    ASSERT_EQ(train(method, "set", run + "64", wide).code, 0);
    ASSERT_EQ(train(method, "set", run + "32", more).code, 0);
    const SafeTensors model = read_safetensors(folder_ / (run + "64") / "checkpoints/best/model.safetensors");
    EXPECT_EQ(model.tensors.begin()->second.dtype(), DType::float64);
    // In the first step only rounding differs between the precisions.
    const auto exact = metrics(run + "64"), rounded = metrics(run + "32");
    EXPECT_NEAR(exact[0]["loss"].get<double>(), rounded[0]["loss"].get<double>(), 1e-3) << method;
    EXPECT_NE(exact[0]["loss"], rounded[0]["loss"]) << "the precision makes no difference";
  }
}

TEST_F(TrainTest, DynamicMixingReadsOtherMixtures) {
  ASSERT_EQ(train("pit", "set", "plain", {"--max-epochs", "1"}).code, 0);
  ASSERT_EQ(train("pit", "set", "mixed", {"--max-epochs", "1", "--set", "train.dynamic_mixing=true"}).code, 0);
  EXPECT_NE(parameters("plain"), parameters("mixed"));
}

TEST_F(TrainTest, SegmentsOfLongerItems) {
  const std::vector<std::string> more = {"--max-epochs", "1", "--set", "data.segment_seconds=0.1", "--set"};
  for (const char* crop : {"any", "whole-second"}) {
    std::vector<std::string> all = more;
    all.push_back(std::string("data.crop=") + crop);
    ASSERT_EQ(train("pit", "set", crop, all).code, 0);
  }
  EXPECT_NE(parameters("any"), parameters("whole-second"));
}

TEST_F(TrainTest, ARunThatIsOverStaysAsItIs) {
  ASSERT_EQ(train("pit", "set", "run", {"--max-epochs", "1"}).code, 0);
  const auto rows = metrics("run");
  const ProgramResult again = resume("pit", "run");
  EXPECT_EQ(again.code, 0);
  expect_contains(again.out, {"| pit | 1 | 4 |"});
  EXPECT_EQ(metrics("run"), rows);
}

TEST_F(TrainTest, PatienceEndsARunAndStaysSpent) {
  // A rate of zero never improves: the first validation is the best, the second spends the patience.
  const std::vector<std::string> more = {"--set", "optim.lr=0", "--set", "train.patience=1"};
  const ProgramResult run = train("pit", "set", "run", more);
  ASSERT_EQ(run.code, 0) << run.err;
  expect_contains(run.err, {"no better score in 1 validations: early stopping"});
  EXPECT_EQ(state("run/checkpoints/last")["epoch"], 1);
  const auto before = metrics("run");
  ASSERT_EQ(resume("pit", "run").code, 0);
  EXPECT_EQ(metrics("run"), before);
}

TEST_F(TrainTest, TimeEndsARunWithAValidation) {
  const ProgramResult run = train("pit", "set", "run", {"--max-minutes", "0.005", "--set", "train.patience=0"});
  ASSERT_EQ(run.code, 0) << run.err;
  const auto rows = metrics("run");
  EXPECT_TRUE(rows.back().contains("valid_si_snri"));
  EXPECT_EQ(state("run/checkpoints/last")["validated_step"], state("run/checkpoints/last")["steps"]);
  // Resumed with more time, it continues.
  ASSERT_EQ(resume("pit", "run", {"--max-minutes", "0.03"}).code, 0);
  EXPECT_GT(metrics("run").size(), rows.size());
}

// Mixtures of three: MixIT gives its six outputs to two mixtures, MixPIT adds three mixtures, MixCycle exchanges
// between three neighbours. 16 mixtures are 5 batches.
TEST_P(EveryMethod, SeparatesThreeSources) {
  const std::string& method = GetParam();
  ASSERT_EQ(prepare("three", 16, 4, {"--sources", "3"}).code, 0);
  const std::vector<std::string> more = {"--set", "model.sources=3",       "--batch", "3", "--max-epochs", "2",
                                         "--set", "mixcycle.init_epochs=1"};
  const ProgramResult run = train(method, "three", "run", more);
  ASSERT_EQ(run.code, 0) << run.err;
  const int64_t steps = method == "pit" ? 10 : method == "mixit" ? 4 : method == "mixpit" ? 2 : 1 + 5;
  EXPECT_EQ(state("run/checkpoints/last")["steps"], steps);
  EXPECT_EQ(read_safetensors(folder_ / "run/checkpoints/last/model.safetensors").metadata.at("sources"),
            method == "mixit" ? "6" : "3");
  EXPECT_TRUE(std::isfinite(metrics("run").back()["valid_si_snri"].get<double>()));
  EXPECT_EQ(metrics("run").back().contains("valid_si_snri_oracle"), method == "mixit");
  if (method != "pit") return;
  std::vector<std::string> dynamic = more;
  dynamic.insert(dynamic.end(), {"--set", "train.dynamic_mixing=true"});
  EXPECT_EQ(train(method, "three", "dynamic", dynamic).code, 0);
}

// Every method of waveforms trains, resumes to the same bytes, is validated and loads.
TEST_F(TrainTest, ConvTasNetWithLearnedFiltersTrainsByEveryMethod) {
  for (const std::string method : {"pit", "mixit", "mixpit", "mixcycle"}) {
    std::vector<std::string> common = {"--set", "mixcycle.init_epochs=1"};
    for (const char* key :
         {"train.threads=1", "train.batch=4", "model.architecture=conv-tasnet", "model.num_filters=16",
          "model.num_feats=8", "model.num_hidden=16", "model.num_layers=2", "model.num_stacks=1",
          "model.mask_activation=relu", "pit.waveform_loss=si_snr", "train.log_seconds=0"})
      common.insert(common.end(), {"--set", key});
    if (method == "mixcycle") common.insert(common.end(), {"--set", "model.mixture_consistency=true"});
    const auto run = [&](const std::string& name, const std::string& epochs) {
      std::vector<std::string> arguments = {"--data",   at("set"), "--output",     at(name),
                                            "--resume", "auto",    "--max-epochs", epochs};
      arguments.insert(arguments.end(), common.begin(), common.end());
      return run_program("sunder-train-" + method, arguments);
    };
    const ProgramResult once = run(method, "2");
    ASSERT_EQ(once.code, 0) << once.err;
    EXPECT_TRUE(std::isfinite(metrics(method).back()["valid_si_snri"].get<double>()));
    ASSERT_EQ(run(method + "-resumed", "1").code, 0);
    ASSERT_EQ(run(method + "-resumed", "2").code, 0);
    expect_same_checkpoint(method + "/checkpoints/last", method + "-resumed/checkpoints/last");
    const SafeTensors model = read_safetensors(folder_ / method / "checkpoints/best/model.safetensors");
    EXPECT_EQ(model.metadata.at("architecture"), "conv-tasnet");
    EXPECT_EQ(model.tensors.at("encoder.weight").shape(), (Shape{16, 1, 16}));
    const ProgramResult scores =
        run_program("sunder-evaluate", {"--model", at(method), "--data", at("set"), "--split", "test"});
    EXPECT_EQ(scores.code, 0) << scores.err;
  }
}

TEST_F(TrainTest, MixCycleSwitchesAfterAShareOfTheTime) {
  ASSERT_EQ(prepare("long", 3000).code, 0);  // an epoch of 375 steps of MixPIT: longer than the share
  const ProgramResult run =
      train("mixcycle", "long", "run",
            {"--max-minutes", "0.03", "--set", "mixcycle.init_fraction=0.1", "--set", "train.patience=0"});
  ASSERT_EQ(run.code, 0) << run.err;
  const auto last = state("run/checkpoints/last");
  EXPECT_EQ(last["mixcycle_epoch"], 1) << "within the first epoch";
  const auto first = last["mixcycle_step"].get<int64_t>(), steps = last["steps"].get<int64_t>();
  expect_contains(run.err, {fmt::format("epoch 0: from MixPIT to MixCycle after step {}, Adam restarted", first - 1)});
  expect_contains(run.out, {"| mixcycle | "});
  EXPECT_GT(first, 1);
  EXPECT_LE(first, 375);
  EXPECT_LE(first, steps);
  if (last["epoch"] == 0) {
    EXPECT_EQ(last["batches_done"], first - 1 + steps) << "two batches a step, then one";
  }
  // A validation before the switch keeps what MixPIT has reached.
  std::vector<std::pair<int64_t, std::string>> validations;
  for (const auto& row : metrics("run"))
    if (row.contains("valid_si_snri")) validations.emplace_back(row["step"], row["task"]);
  EXPECT_EQ(validations.front(), (std::pair<int64_t, std::string>{first - 1, "mixpit"}));
  EXPECT_EQ(validations.back(), (std::pair<int64_t, std::string>{steps, "mixcycle"}));
  // The monitor looks soon, not at the end of the epoch.
  EXPECT_EQ(run.err.find(": 32 steps of mixcycle, weaker output") != std::string::npos, steps - first + 1 >= 32);
  // Resumed with more time, the run does not decide again.
  ASSERT_EQ(resume("mixcycle", "run", {"--max-minutes", "0.04"}).code, 0);
  EXPECT_EQ(state("run/checkpoints/last")["mixcycle_step"], first);
}

TEST_F(TrainTest, ARunThatNeverSwitchesSaysSo) {
  const ProgramResult by_epochs = train("mixcycle", "set", "epochs", {"--max-epochs", "1"});
  ASSERT_EQ(by_epochs.code, 0);
  expect_contains(by_epochs.err, {"no step of MixCycle will be taken: the switch from MixPIT comes after "
                                  "mixcycle.init_epochs = 50, and train.max_epochs is 1",
                                  "no step of MixCycle was taken: the switch from MixPIT comes after 50 epochs"});
  expect_contains(by_epochs.out, {"| mixcycle (MixPIT only) | 1 | 2 |"});
  EXPECT_EQ(read("epochs/results.md"), by_epochs.out);
  const ProgramResult by_time =
      train("mixcycle", "set", "time",
            {"--max-minutes", "0.003", "--set", "mixcycle.init_fraction=1", "--set", "train.patience=0"});
  ASSERT_EQ(by_time.code, 0);
  EXPECT_EQ(by_time.err.find("will be taken"), std::string::npos);
  expect_contains(by_time.out, {"| mixcycle (MixPIT only) |"});
  // Another method, and MixCycle that switched, have nothing to add.
  const ProgramResult switched =
      train("mixcycle", "set", "switched", {"--max-epochs", "1", "--set", "mixcycle.init_epochs=0"});
  expect_contains(switched.out, {"| mixcycle | 1 | 4 |"});
  EXPECT_EQ(switched.err.find("no step of MixCycle"), std::string::npos);
}

// A network that has collapsed already: seen after 32 steps, long before the epoch ends.
TEST_F(TrainTest, ACollapseAfterTheSwitchIsWarnedOfWithinTheEpoch) {
  ASSERT_EQ(train("mixpit", "set", "before", {"--max-epochs", "1"}).code, 0);
  auto checkpoint = load_checkpoint(folder_ / "before/checkpoints/last");
  auto bias = checkpoint.data.model.tensors.at("mask_generator.output_conv.bias");
  for (int64_t i = 0; i < bias.numel(); ++i) bias.mutable_data<float>()[i] = i < bias.numel() / 2 ? 30.0f : -30.0f;
  save_checkpoint(folder_ / "before", checkpoint.step, checkpoint.data, true);
  ASSERT_EQ(prepare("long", 280).code, 0);
  const ProgramResult run = train("mixcycle", "long", "run",
                                  {"--init", at("before/checkpoints/last"), "--max-epochs", "1", "--set",
                                   "mixcycle.init_epochs=0", "--set", "optim.lr=1e-6"});
  ASSERT_EQ(run.code, 0) << run.err;
  const size_t looked = run.err.find("step 32: 32 steps of mixcycle, weaker output");
  const size_t warned = run.err.find("may be collapsing to the mixture and silence");
  const size_t validated = run.err.find("epoch 0 step 70 ");
  EXPECT_LT(looked, warned) << run.err;
  EXPECT_LT(warned, validated) << run.err;
}

TEST_F(TrainTest, TheBlindScoreChoosesWithoutReferences) {
  const ProgramResult run =
      train("mixcycle", "set", "run",
            {"--max-epochs", "2", "--set", "validation.select=blind", "--set", "mixcycle.init_epochs=1"});
  ASSERT_EQ(run.code, 0) << run.err;
  expect_contains(run.err, {", blind "});
  expect_contains(run.out, {"| blind |"});
  double best = -INFINITY;
  for (const auto& row : metrics("run"))
    if (row.contains("valid_blind")) best = std::max(best, row["valid_blind"].get<double>());
  EXPECT_EQ(state("run/checkpoints/last")["best_score"], best);
  ASSERT_EQ(train("mixpit", "set", "loss", {"--max-epochs", "2", "--set", "validation.select=loss"}).code, 0);
  double least = INFINITY;
  for (const auto& row : metrics("loss"))
    if (row.contains("train_loss")) least = std::min(least, row["train_loss"].get<double>());
  EXPECT_EQ(state("loss/checkpoints/last")["best_score"], -least);
}

TEST_F(TrainTest, ACollapsedNetworkIsWarnedOf) {
  ASSERT_EQ(train("mixpit", "set", "run", {"--max-epochs", "1"}).code, 0);
  EXPECT_EQ(read("run/log.txt").find("collapsing"), std::string::npos);
  // Biases that send the whole mixture to the first output, set before the validation that is still due.
  auto checkpoint = load_checkpoint(folder_ / "run/checkpoints/last");
  auto bias = checkpoint.data.model.tensors.at("mask_generator.output_conv.bias");
  for (int64_t i = 0; i < bias.numel(); ++i) bias.mutable_data<float>()[i] = i < bias.numel() / 2 ? 30.0f : -30.0f;
  checkpoint.data.state["validated_step"] = int64_t{-1};
  save_checkpoint(folder_ / "run", checkpoint.step, checkpoint.data, false);
  const ProgramResult again = resume("mixpit", "run");
  ASSERT_EQ(again.code, 0) << again.err;
  expect_contains(again.err, {"the weaker output is", "may be collapsing to the mixture and silence"});
}

TEST_F(TrainTest, FoldersOfWavFilesAreASetToo) {
  ASSERT_EQ(prepare("audio", 16, 4, {"--write-audio"}).code, 0);
  std::filesystem::remove(folder_ / "audio/set.toml");
  ASSERT_EQ(train("mixpit", "set", "listed", {"--max-epochs", "1"}).code, 0);
  const ProgramResult run = train("mixpit", "audio", "folder", {"--max-epochs", "1"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(parameters("listed"), parameters("folder"));
}

}  // namespace
}  // namespace sunder
