// Training over several processes, as a user does it.
#include "tests/programs/rank_programs.h"

#include "files/safetensors.h"
#include "tensor/random.h"

namespace sunder {
namespace {

constexpr double tolerance = 1e-9;  // of losses and weights in float64, relative to 1 or to the value

void expect_near(double a, double b, const std::string& what) {
  EXPECT_LE(std::abs(a - b), tolerance * std::max(1.0, std::abs(b))) << what;
}

class RankProgramsTest : public TrainingTest {
 protected:
  // Eight steps an epoch by PIT; nine validation mixtures: an odd last one.
  void SetUp() override {
    if (const char* device = std::getenv("SUNDER_DEVICE"); device && std::string(device) != "cpu")
      GTEST_SKIP() << "several processes train on the CPU";
    TrainingTest::SetUp();
    if (HasFatalFailure()) return;
    const ProgramResult made = prepare("set", 64, 9);
    ASSERT_EQ(made.code, 0) << made.err;
  }

  // 20 steps in float64.
  std::vector<std::string> twenty_steps(const std::string& run, const std::vector<std::string>& more = {},
                                        const std::string& set = "set") const {
    std::vector<std::string> result =
        arguments(set, run, {"--precision", "fp64", "--set", "train.batch=8", "--set", "validation.every_epochs=10"});
    result.insert(result.end(), more.begin(), more.end());
    return result;
  }
  void run_ranks(const std::string& method, int size, const std::vector<std::string>& words) const {
    RankPrograms ranks("sunder-train-" + method, size, folder_, [&](int) { return words; });
    EXPECT_EQ(ranks.wait(), std::vector<int>(static_cast<size_t>(size), 0)) << ranks.said();
  }

  void expect_equal_runs(const std::string& a, const std::string& b, int64_t steps) const {
    EXPECT_EQ(state(a + "/checkpoints/last")["steps"], steps);
    const auto rows = metrics(a), expected = metrics(b);
    ASSERT_EQ(rows.size(), expected.size()) << a;
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(rows[i].size(), expected[i].size()) << rows[i];
      for (const auto& [key, value] : expected[i].items())
        if (value.is_number_float()) {
          expect_near(rows[i].at(key), value, fmt::format("{} {}", a, rows[i].dump()));
        } else {
          EXPECT_EQ(rows[i].at(key), value) << a << rows[i];
        }
    }
    const auto weights = read_safetensors(folder_ / a / "checkpoints/last/model.safetensors").tensors;
    for (const auto& [name, tensor] : read_safetensors(folder_ / b / "checkpoints/last/model.safetensors").tensors) {
      const auto values = weights.at(name).to_vector<double>(), wanted = tensor.to_vector<double>();
      ASSERT_EQ(values.size(), wanted.size());
      for (size_t i = 0; i < values.size(); ++i) expect_near(values[i], wanted[i], a + " " + name);
    }
  }

  // One process, and then several.
  void expect_ranks_change_nothing(const std::string& method, const std::vector<std::string>& more,
                                   const std::vector<int>& sizes = {2, 4}) const {
    const ProgramResult alone = run_program("sunder-train-" + method, twenty_steps("alone", more));
    ASSERT_EQ(alone.code, 0) << alone.err;
    for (const int size : sizes) {
      const std::string run = fmt::format("of_{}", size);
      run_ranks(method, size, twenty_steps(run, more));
      if (HasFailure()) return;
      expect_equal_runs(run, "alone", state("alone/checkpoints/last")["steps"]);
    }
    EXPECT_GE(state("alone/checkpoints/last")["steps"], 20);
  }
};

TEST_F(RankProgramsTest, PitIsTheSameOnAnyNumberOfRanks) { expect_ranks_change_nothing("pit", {"--max-epochs", "3"}); }

TEST_F(RankProgramsTest, SourcesAreMixedAcrossRanksInMicroBatches) {
  expect_ranks_change_nothing("pit",
                              {"--max-epochs", "3", "--set", "train.dynamic_mixing=true", "--set", "train.batch=4",
                               "--set", "train.accumulate=2", "--set", "optim.ema=0.9"},
                              {2});
}

TEST_F(RankProgramsTest, MixItIsTheSameOnAnyNumberOfRanks) {
  expect_ranks_change_nothing("mixit", {"--max-epochs", "5"});
}

TEST_F(RankProgramsTest, MixPitIsTheSameOnAnyNumberOfRanks) {
  expect_ranks_change_nothing("mixpit", {"--max-epochs", "5"});
}

TEST_F(RankProgramsTest, MixCycleIsTheSameOnAnyNumberOfRanks) {
  expect_ranks_change_nothing(
      "mixcycle", {"--max-epochs", "3", "--set", "mixcycle.init_epochs=1", "--set", "validation.select=blind"});
}

TEST_F(RankProgramsTest, FarFieldMethodsAreTheSameOnAnyNumberOfRanks) {
  std::string list = "path,speaker,split\n";
  int voice = 0;
  std::filesystem::create_directories(folder_ / "speech");
  for (const std::string split : {"train", "valid", "test"})
    for (int speaker = 0; speaker < 2; ++speaker, ++voice)
      for (int take = 0; take < 4; ++take) {
        const std::string name = fmt::format("{}-{}-{}.wav", split, speaker, take);
        write_wav(folder_ / "speech" / name, synthetic_voice(voice, take, 9000 + 300 * take, rate), rate);
        list += fmt::format("{0},{1}-{2},{1}\n", name, split, speaker);
      }
  write("speech/splits.csv", list);
  const ProgramResult made =
      run_program("sunder-prepare", {"rooms", "--speech", at("speech"), "--output", at("tree"), "--train", "8",
                                     "--valid", "3", "--test", "2", "--threads", "1"});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto words = [&](const std::string& run) {
    std::vector<std::string> result = {"--data", at("tree"), "--output", at(run), "--precision", "fp64"};
    for (const char* key : {"train.threads=1",
                            "train.batch=4",
                            "train.log_seconds=0",
                            "data.segment_seconds=0.125",
                            "data.crop=any",
                            "model.architecture=tf-gridnet",
                            "model.n_fft=64",
                            "model.hop_length=32",
                            "model.window=sqrt_hann",
                            "model.microphones=6",
                            "model.emb_dim=4",
                            "model.num_blocks=1",
                            "model.lstm_hidden=4",
                            "model.heads=2",
                            "model.qk_channels=1",
                            "fcp.far_past=3",
                            "fcp.close_past=3",
                            "optim.clip=1",
                            "validation.select=valid_loss",
                            "train.max_epochs=10",
                            "validation.every_epochs=10"})
      result.insert(result.end(), {"--set", key});
    return result;
  };
  for (const std::string method : {"m2m", "unssor"}) {
    const ProgramResult alone = run_program("sunder-train-" + method, words(method));
    ASSERT_EQ(alone.code, 0) << alone.err;
    for (const int size : method == "m2m" ? std::vector{2, 4} : std::vector{4}) {
      const std::string run = fmt::format("{}_{}", method, size);
      run_ranks(method, size, words(run));
      if (HasFailure()) return;
      expect_equal_runs(run, method, 20);
    }
  }
}

TEST_F(RankProgramsTest, MpiTrainsAndResumesAsSocketsDo) {
#ifndef SUNDER_MPIRUN
  GTEST_SKIP() << "this build has no MPI (SUNDER_MPI)";
#else
  const std::vector<std::string> more = {"--set", "train.max_epochs=3", "--set", "mixcycle.init_epochs=1"};
  ASSERT_EQ(run_program("sunder-train-mixcycle", twenty_steps("alone", more)).code, 0);
  const auto with_mpi = [](int size) {
    return ProgramSetup{
        .seconds = 60,
        .shell = fmt::format("exec {} --allow-run-as-root --oversubscribe -n {} \"$0\" \"$@\"", SUNDER_MPIRUN, size)};
  };
  for (const int size : {2, 4}) {
    const std::string run = fmt::format("of_{}", size);
    const ProgramResult result = run_program("sunder-train-mixcycle", twenty_steps(run, more), with_mpi(size));
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 3) << "rank 0 alone prints " << result.out;
    expect_contains(read(run + "/log.txt"), {fmt::format("rank 0 of {}, started by mpirun, MPI: ", size)});
    expect_equal_runs(run, "alone", 20);
  }
  std::vector<std::string> parts = twenty_steps("parts", more);
  parts.insert(parts.end(), {"--set", "train.max_epochs=2"});
  ASSERT_EQ(run_program("sunder-train-mixcycle", parts, with_mpi(2)).code, 0);
  ASSERT_EQ(run_program("sunder-train-mixcycle", {"--output", at("parts"), "--resume", "auto", "--max-epochs", "3"},
                        with_mpi(2))
                .code,
            0);
  expect_same_checkpoint("of_2/checkpoints/last", "parts/checkpoints/last");
#endif
}

TEST_F(RankProgramsTest, AResumedRunIsTheSameToTheBit) {
  const std::vector<std::string> more = {"--max-epochs",           "3",     "--set",
                                         "mixcycle.init_epochs=1", "--set", "train.checkpoint_minutes=1e-6"};
  run_ranks("mixcycle", 2, twenty_steps("whole", more));
  // A signal to one of them stops both after the same step.
  {
    RankPrograms ranks("sunder-train-mixcycle", 2, folder_, [&](int) { return twenty_steps("stopped", more); });
    wait_for_metrics("stopped", 5, ranks.rank(0));
    ranks.rank(1).kill(SIGTERM);
    EXPECT_EQ(ranks.wait(), (std::vector<int>{75, 75})) << ranks.said();
    expect_contains(ranks.said(), {"stopped by SIGTERM after step"});
  }
  EXPECT_LT(state("stopped/checkpoints/last")["steps"], 20);
  std::filesystem::copy(folder_ / "stopped", folder_ / "alone",
                        std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  run_ranks("mixcycle", 2, {"--output", at("stopped"), "--resume", "auto"});
  expect_same_run("whole", "stopped");
  // On another number of ranks the data and its order are the same.
  const ProgramResult alone = resume("mixcycle", "alone");
  ASSERT_EQ(alone.code, 0) << alone.err;
  expect_equal_runs("alone", "whole", 20);
}

TEST_F(RankProgramsTest, ARankThatIsKilledEndsTheRunWhichResumes) {
  const std::vector<std::string> more = {"--max-epochs",           "6",     "--set",
                                         "mixcycle.init_epochs=1", "--set", "train.checkpoint_minutes=1e-6"};
  run_ranks("mixcycle", 3, [&] {
    std::vector<std::string> words = twenty_steps("whole", more);
    words.insert(words.end(), {"--set", "train.batch=6"});
    return words;
  }());
  std::vector<std::string> words = twenty_steps("killed", more);
  words.insert(words.end(), {"--set", "train.batch=6", "--resume", "auto"});
  Random random(11, RandomUse::test);
  for (const int victim : {0, 2}) {
    const size_t lines = metrics_lines("killed") + 2 + random.below(5);
    RankPrograms ranks("sunder-train-mixcycle", 3, folder_, [&](int) { return words; });
    wait_for_metrics("killed", lines, ranks.rank(0));
    ranks.rank(victim).kill(SIGKILL);
    const std::vector<int> codes = ranks.wait();
    for (int rank = 0; rank < 3; ++rank)
      EXPECT_EQ(codes[static_cast<size_t>(rank)], rank == victim ? 128 + SIGKILL : 1) << ranks.said();
    expect_contains(ranks.rank(victim == 0 ? 1 : 0).said(),
                    {fmt::format("rank {} of 3 is gone; resume from the last checkpoint with --resume auto", victim)});
    if (victim == 0) continue;  // what it saved last stands
    expect_contains(read("killed/log.txt"),
                    {fmt::format("W rank {} of 3 is gone", victim), "an error ends the run after step"});
    EXPECT_GE(static_cast<size_t>(state("killed/checkpoints/last")["steps"]), lines - 2);
  }
  run_ranks("mixcycle", 3, words);
  expect_same_run("whole", "killed");
}

TEST_F(RankProgramsTest, ARankThatIsStuckEndsTheRunInTime) {
  std::vector<std::string> words = twenty_steps("stuck", {"--max-epochs", "1000", "--set", "train.rank_timeout=1"});
  RankPrograms ranks("sunder-train-pit", 2, folder_, [&](int) { return words; });
  wait_for_metrics("stuck", 5, ranks.rank(0));
  ranks.rank(1).kill(SIGSTOP);
  EXPECT_EQ(ranks.rank(0).wait(), 1);
  expect_contains(ranks.rank(0).said(), {"rank 1 of 2 has not answered for 1 s", "the checkpoint is in"});
  EXPECT_GE(state("stuck/checkpoints/last")["steps"], 5);
  ranks.rank(1).kill(SIGCONT);
  EXPECT_EQ(ranks.rank(1).wait(), 1) << "it finds the others gone";
}

// The words with another value of a flag.
std::vector<std::string> with(std::vector<std::string> words, const std::string& flag, const std::string& value) {
  *(std::find(words.begin(), words.end(), flag) + 1) = value;
  return words;
}

TEST_F(RankProgramsTest, AnErrorOfOneRankEndsAllWithItsReason) {
  // Rank 1 has the same set in another place, and lacks its recordings there.
  std::filesystem::create_directories(folder_ / "there");
  std::filesystem::copy(folder_ / "set", folder_ / "there/set", std::filesystem::copy_options::recursive);
  const std::vector<std::string> words = twenty_steps("run");
  RankPrograms ranks("sunder-train-pit", 2, folder_,
                     [&](int rank) { return rank == 1 ? with(words, "--data", at("there/set")) : words; });
  EXPECT_EQ(ranks.wait(), (std::vector<int>{1, 3})) << ranks.said();
  expect_contains(ranks.rank(0).said(), {"sunder-train-pit (rank 0 of 2): rank 1 ended the run: " + at("there/")});
  expect_contains(ranks.rank(1).said(), {"sunder-train-pit (rank 1 of 2): " + at("there/")});
  EXPECT_FALSE(exists("run"));
}

// One that does not even understand its command line.
TEST_F(RankProgramsTest, AUsageErrorOfOneRankEndsAllAtOnce) {
  const std::vector<std::string> words = arguments("set", "run");
  RankPrograms ranks("sunder-train-pit", 4, folder_, [&](int rank) {
    std::vector<std::string> own = words;
    if (rank == 3) own.push_back("--bathc=8");
    return own;
  });
  EXPECT_EQ(ranks.wait(), (std::vector<int>{1, 1, 1, 2})) << ranks.said();
  for (int rank = 0; rank < 3; ++rank)
    expect_contains(ranks.rank(rank).said(), {"rank 3 ended the run: unknown flag '--bathc'"});
  EXPECT_FALSE(exists("run"));
}

TEST_F(RankProgramsTest, ABatchThatRanksCannotShareIsRefused) {
  RankPrograms ranks("sunder-train-mixcycle", 2, folder_, [&](int) {
    return arguments("set", "run", {"--set", "train.batch=6", "--set", "mixcycle.init_epochs=1"});
  });
  EXPECT_EQ(ranks.wait(), (std::vector<int>{2, 2})) << ranks.said();
  expect_contains(ranks.said(), {"(rank 0 of 2): train.batch: expected a multiple of 4 (2 ranks, times 2 neighbours",
                                 "(rank 1 of 2): train.batch: expected a multiple of 4 (2 ranks"});
  EXPECT_FALSE(exists("run"));
}

TEST_F(RankProgramsTest, RanksThatDifferAreRefusedWithEveryDifference) {
  ASSERT_EQ(prepare("other", 60, 9).code, 0);
  RankPrograms ranks("sunder-train-pit", 3, folder_, [&](int rank) {
    std::vector<std::string> words = arguments("set", "run", {"--set", "train.batch=6"});
    if (rank == 1) words.insert(words.end(), {"--set", "optim.lr=0.5"});
    if (rank < 2) return words;
    words.insert(words.end(), {"--seed", "4", "--set", "train.threads=2"});
    return with(words, "--data", at("other"));
  });
  EXPECT_EQ(ranks.wait(), (std::vector<int>{2, 2, 2})) << ranks.said();
  for (int rank = 0; rank < 3; ++rank)
    expect_contains(ranks.rank(rank).said(),
                    {"the ranks of a run must be alike: ", "optim.lr is 0.001 on ranks 0, 2, 0.5 on rank 1; ",
                     "train.seed is 0 on ranks 0, 1, 4 on rank 2; ",
                     "training_set.items is 64 on ranks 0, 1, 60 on rank 2", "the digest of the weights is "});
  EXPECT_EQ(ranks.said().find("train.threads is"), std::string::npos) << "a machine's own";
  EXPECT_FALSE(exists("run")) << "nothing was written";
}

TEST_F(RankProgramsTest, VariablesWithoutTheOthersAreRefused) {
  const std::vector<std::string> words = arguments("set", "run", {"--max-epochs", "1"});
  const auto refusal = [&](const std::map<std::string, std::string>& environment) {
    const ProgramResult result = run_program("sunder-train-pit", words, {.environment = environment, .seconds = 60});
    EXPECT_EQ(result.code, 2) << result.err;
    return result.err;
  };
  expect_contains(refusal({{"RANK", "1"}}), {"sunder-train-pit: WORLD_SIZE is not set although RANK is 1"});
  expect_contains(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}}), {"MASTER_ADDR is not set: 2 processes need"});
  EXPECT_FALSE(exists("run"));
  // One process of one is a run like any other.
  const ProgramResult one =
      run_program("sunder-train-pit", words, {.environment = rank_environment(0, 1, 29500), .seconds = 60});
  EXPECT_EQ(one.code, 0) << one.err;
}

}  // namespace
}  // namespace sunder
