// Runs that are stopped or killed and then resumed give the same bits as undisturbed runs.
#include <algorithm>

#include "files/safetensors.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

// Eight steps of MixPIT, then sixteen and sixteen of MixCycle; a checkpoint every few of them.
const std::vector<std::string> three_epochs = {"--max-epochs",           "3",     "--set",
                                               "mixcycle.init_epochs=1", "--set", "train.checkpoint_minutes=0.0005"};

class ResumeTest : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    if (IsSkipped()) return;
    const ProgramResult made = prepare("set", 64);
    ASSERT_EQ(made.code, 0) << made.err;
  }

  void expect_no_step_twice(const std::string& run) const {
    std::vector<std::pair<bool, int64_t>> seen;
    for (const auto& row : metrics(run)) seen.emplace_back(row.contains("valid_si_snri"), row["step"]);
    std::sort(seen.begin(), seen.end());
    EXPECT_TRUE(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  }

  // Stops a run by `signal` after `lines` lines of metrics; it must save a checkpoint, log it and exit with 75.
  void stop_after(size_t lines, int signal, const std::string& name, const std::vector<std::string>& words,
                  const std::string& run) const {
    Background program("sunder-train-mixcycle", words, folder_ / "said.txt");
    wait_for_metrics(run, lines, program);
    program.kill(signal);
    EXPECT_EQ(program.wait(), 75) << program.said();
    const auto last = state(run + "/checkpoints/last");
    expect_contains(program.said(), {fmt::format("stopped by {} after step {}; the checkpoint is in {}", name,
                                                 last["steps"].get<int64_t>(), at(run + "/checkpoints/last"))});
    EXPECT_FALSE(exists(run + "/results.md"));
  }
};

TEST_F(ResumeTest, KillsAtAnyMomentChangeNothing) {
  ASSERT_EQ(train("mixcycle", "set", "whole", three_epochs).code, 0);
  std::vector<std::string> words = arguments("set", "killed", three_epochs);
  words.insert(words.end(), {"--resume", "auto"});
  Random random(1, RandomUse::test);
  const auto log_bytes = [&] {
    std::error_code none;
    const auto bytes = std::filesystem::file_size(folder_ / "killed/log.txt", none);
    return none ? 0 : bytes;
  };
  const auto is_saving = [&] {
    const std::vector<std::string> names = checkpoints("killed");
    return std::any_of(names.begin(), names.end(), [](const std::string& name) { return name[0] == '.'; });
  };
  int kills = 0, code = -1;
  for (int round = 0; code != 0; ++round) {
    const auto log_before = log_bytes();
    const size_t lines = metrics_lines("killed") + random.below(4);
    Background program("sunder-train-mixcycle", words, folder_ / "said.txt");
    // Killed as it starts, as it saves a checkpoint, or up to four steps on; after twelve rounds it is left to run.
    const auto moment = [&] {
      return round % 3 == 0 ? log_bytes() > log_before : round % 3 == 1 ? is_saving() : metrics_lines("killed") > lines;
    };
    if (round < 12) {
      while (program.running() && !moment()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      program.kill(SIGKILL);
    }
    code = program.wait();
    ASSERT_TRUE(code == 0 || code == 128 + SIGKILL) << code << " " << program.said();
    if (code != 0) ++kills;
  }
  EXPECT_GT(kills, 1) << "no run was killed";
  expect_same_run("whole", "killed");
  expect_no_step_twice("killed");
  for (const std::string& name : checkpoints("killed")) EXPECT_NE(name[0], '.') << "left behind by a kill";
}

TEST_F(ResumeTest, StopsInTheMiddleOfAnEpochChangeNothing) {
  // A checkpoint after every step slows the run down enough to stop it between two steps.
  ASSERT_EQ(prepare("long", 200).code, 0);
  std::vector<std::string> slowly = three_epochs;
  slowly[1] = "2";  // epochs
  slowly.back() = "train.checkpoint_minutes=1e-6";
  for (const char* setting : {"optim.decay=linear", "optim.decay_share=0.9"})
    slowly.insert(slowly.end(), {"--set", setting});
  ASSERT_EQ(train("mixcycle", "long", "whole", slowly).code, 0);
  const std::vector<std::string> begin = arguments("long", "stopped", slowly);
  const std::vector<std::string> go_on = {"--output", at("stopped"), "--resume", "auto"};
  stop_after(3, SIGTERM, "SIGTERM", begin, "stopped");  // within MixPIT's epoch of 25 steps
  if (HasFatalFailure()) return;
  EXPECT_EQ(state("stopped/checkpoints/last")["inside_epoch"], 1);
  const size_t lines = metrics("stopped").size();
  stop_after(lines + 10, SIGINT, "SIGINT", go_on, "stopped");
  if (HasFatalFailure()) return;
  const ProgramResult rest = resume("mixcycle", "stopped");
  EXPECT_EQ(rest.code, 0) << rest.err;
  expect_contains(rest.err, {"resumed from " + at("stopped/checkpoints/step-")});
  expect_same_run("whole", "stopped");
  expect_no_step_twice("stopped");
}

// A closed terminal, a batch system and a limit on CPU time end a run as SIGTERM does.
TEST_F(ResumeTest, EverySignalThatAnnouncesTheEndIsAStop) {
  ASSERT_EQ(prepare("long", 200).code, 0);
  std::vector<std::string> slowly = three_epochs;
  slowly[1] = "1";  // epochs
  slowly.back() = "train.checkpoint_minutes=1e-6";
  ASSERT_EQ(train("mixcycle", "long", "whole", slowly).code, 0);
  std::vector<std::string> words = arguments("long", "stopped", slowly);
  words.insert(words.end(), {"--resume", "auto"});
  size_t lines = 2;
  for (const auto& [number, name] : std::initializer_list<std::pair<int, std::string>>{
           {SIGHUP, "SIGHUP"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}, {SIGXCPU, "SIGXCPU"}}) {
    stop_after(lines, number, name, words, "stopped");
    if (HasFatalFailure()) return;
    lines = metrics("stopped").size() + 1;
  }
  ASSERT_EQ(resume("mixcycle", "stopped").code, 0);
  expect_same_run("whole", "stopped");
}

// A terminal that closes sends SIGHUP twice, a limit on CPU time SIGXCPU every second: none of it may end the saving.
TEST_F(ResumeTest, SignalsThatRepeatThemselvesDoNotEndTheProgram) {
  Background program(
      "sunder-train-pit",
      arguments("set", "run", {"--batch", "16", "--set", "model.num_hidden=64", "--set", "model.num_feats=32"}),
      folder_ / "said.txt");
  wait_for_metrics("run", 1, program);
  for (const int number : {SIGHUP, SIGHUP, SIGXCPU, SIGXCPU, SIGUSR1, SIGUSR1, SIGTERM}) {
    program.kill(number);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // one of a kind waits at a time
  }
  EXPECT_EQ(program.wait(), 75) << program.said();
  expect_contains(program.said(), {"stopped by SIGHUP after step "});
}

TEST_F(ResumeTest, AnIgnoredHangUpStaysIgnored) {
  Background program("sunder-train-mixcycle", arguments("set", "run", three_epochs), folder_ / "said.txt", SIGHUP);
  wait_for_metrics("run", 1, program);
  EXPECT_FALSE(program.handles(SIGHUP));
  program.kill(SIGHUP);
  EXPECT_EQ(program.wait(), 0) << program.said();
}

TEST_F(ResumeTest, AStopBeforeTheFirstStepIsResumedToo) {
  const std::vector<std::string> words = arguments("set", "early", three_epochs);
  ASSERT_EQ(train("mixcycle", "set", "whole", three_epochs).code, 0);
  {
    Background program("sunder-train-mixcycle", words, folder_ / "said.txt");
    wait_until([&] { return program.handles(SIGTERM); }, program, "the handler of SIGTERM");
    if (HasFatalFailure()) return;
    program.kill(SIGTERM);
    ASSERT_EQ(program.wait(), 75) << program.said();
  }
  std::vector<std::string> again = words;
  again.insert(again.end(), {"--resume", "auto"});
  ASSERT_EQ(run_program("sunder-train-mixcycle", again).code, 0);
  expect_same_run("whole", "early");
}

TEST_F(ResumeTest, ASecondSignalEndsTheProgramAtOnce) {
  // Steps of about a second, so that the second signal comes before the step is done.
  Background program("sunder-train-pit",
                     arguments("set", "run",
                               {"--batch", "64", "--set", "model.num_hidden=512", "--set", "model.num_feats=256",
                                "--set", "model.num_stacks=4"}),
                     folder_ / "said.txt");
  wait_for_metrics("run", 1, program);
  program.kill(SIGINT);
  wait_until([&] { return !program.handles(SIGINT); }, program, "the first signal to be noticed");
  if (HasFatalFailure()) return;
  program.kill(SIGINT);
  EXPECT_EQ(program.wait(), 128 + SIGINT);
}

TEST_F(ResumeTest, MoreEpochsGoOnWhereAShorterRunEnded) {
  const std::vector<std::string> more = {"--set", "mixcycle.init_epochs=1", "--max-epochs"};
  std::vector<std::string> three = more, one = more;
  three.push_back("3");
  one.push_back("1");
  ASSERT_EQ(train("mixcycle", "set", "whole", three).code, 0);
  ASSERT_EQ(train("mixcycle", "set", "run", one).code, 0);
  const ProgramResult rest = resume("mixcycle", "run", {"--max-epochs", "3"});
  ASSERT_EQ(rest.code, 0) << rest.err;
  expect_contains(rest.err, {"train.max_epochs was 1, is 3"});
  expect_same_run("whole", "run");
}

TEST_F(ResumeTest, MixturesOnTheFlyAreTheSameAgain) {
  std::vector<std::string> three = {"--set", "mixcycle.init_epochs=1", "--max-epochs", "3"};
  ASSERT_EQ(train("mixcycle", "set", "listed", three).code, 0);
  three.emplace_back("--on-the-fly");
  ASSERT_EQ(train("mixcycle", "set", "whole", three).code, 0);
  ASSERT_EQ(
      train("mixcycle", "set", "run", {"--set", "mixcycle.init_epochs=1", "--max-epochs", "2", "--on-the-fly"}).code,
      0);
  EXPECT_EQ(metrics("listed")[1], metrics("run")[1]) << "the first epoch is the list";
  const ProgramResult rest = resume("mixcycle", "run", {"--max-epochs", "3"});
  ASSERT_EQ(rest.code, 0) << rest.err;
  expect_same_run("whole", "run");
  EXPECT_NE(metrics("listed"), metrics("whole"));
}

TEST_F(ResumeTest, AnotherFolderCanGoOnFromACheckpoint) {
  ASSERT_EQ(train("pit", "set", "whole", {"--max-epochs", "2"}).code, 0);
  ASSERT_EQ(train("pit", "set", "first", {"--max-epochs", "1"}).code, 0);
  for (const char* from : {"first", "first/checkpoints/last"}) {
    const ProgramResult rest =
        run_program("sunder-train-pit", {"--output", at("second"), "--resume", at(from), "--max-epochs", "2"});
    ASSERT_EQ(rest.code, 0) << rest.err;
    expect_same_checkpoint("whole/checkpoints/last", "second/checkpoints/last");
    std::filesystem::remove_all(folder_ / "second");
  }
  // A folder that holds another run is refused.
  const ProgramResult refused =
      run_program("sunder-train-pit", {"--output", at("whole"), "--resume", at("first"), "--max-epochs", "3"});
  EXPECT_EQ(refused.code, 2);
  expect_contains(refused.err, {at("whole") + ": holds a run already"});
}

}  // namespace
}  // namespace sunder
