// Programs that are killed or stopped at random moments: trainings go on to the bits of an undisturbed run, and the
// results of the others are old or new.
#include <array>

#include "tensor/random.h"
#include "tests/faults/replaced.h"

namespace sunder::faults {
namespace {

namespace fs = std::filesystem;
using std::chrono::duration;
using std::chrono::steady_clock;

class Kills : public ReplacedResults {
 protected:
  double seconds_of(const Command& command) const {
    const auto begin = steady_clock::now();
    const ProgramResult result = run_program(command.program, command.arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return duration<double>(steady_clock::now() - begin).count();
  }

  // Runs the command and sends it a signal within `seconds`. Its exit code.
  int disturbed(const Command& command, int signal, double seconds) {
    Background program(command.program, command.arguments, folder_ / "said.txt");
    const auto end = steady_clock::now() + duration<double>(random_.uniform(0, seconds));
    while (program.running() && steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    program.kill(signal);
    return program.wait();
  }

  // A kill of a training is followed by the next until the run is done; then a new run begins.
  void kill_training(const Command& command, int64_t kills) {
    fs::remove_all(folder_ / "work");
    const double seconds = seconds_of(command);
    const Snapshot expected = outcome();
    Count count("kills", command.program, static_cast<size_t>(kills));
    fs::remove_all(folder_ / "work");
    for (int64_t done = 0; done < kills;) {
      // The last is followed by a run that is left alone.
      const int signal = random_.below(4) == 0 ? SIGTERM : SIGKILL;
      int code = disturbed(command, signal, seconds);
      std::string wrong;
      // A program that has not yet a handler of SIGTERM ends by it.
      const bool hit = code == 128 + signal || (signal == SIGTERM && code == 75);
      if (!hit && code != 0) wrong = fmt::format("exit code {}: {}", code, read("said.txt"));
      if (hit && done + 1 == kills) code = run_program(command.program, command.arguments).code;
      if (code == 0) {
        wrong = difference(expected, outcome());
        fs::remove_all(folder_ / "work");
      }
      if (hit || !wrong.empty()) {
        ++done;
        count.tried(fmt::format("kill {} by signal {}", done, signal), wrong);
      }
    }
  }

  // The results are old or new; the next run leaves the new ones and nothing else.
  void kill_replacing(const Command& command, const std::string& old, bool one) {
    Results results;
    make_results(command, old, results);
    if (HasFatalFailure()) return;
    restore(old);
    const double seconds = seconds_of(command);
    const int64_t kills = share(1, 0);
    Count count("kills", command.program, static_cast<size_t>(kills));
    for (int64_t done = 0; done < kills;) {
      restore(old);
      const int signal = std::array{SIGKILL, SIGKILL, SIGTERM, SIGINT, SIGHUP}[random_.below(5)];
      const int code = disturbed(command, signal, seconds);
      const bool hit = code == 128 + signal;
      std::string wrong = hit || code == 0 ? "" : fmt::format("exit code {}: {}", code, read("said.txt"));
      if (wrong.empty()) wrong = broken(results, visible(snapshot(work()), results), one);
      if (wrong.empty() && hit) wrong = not_mended(command, results);
      if (!hit && wrong.empty()) continue;
      ++done;
      count.tried(fmt::format("kill {} by signal {}", done, signal), wrong);
    }
  }

  // Of all kills that are asked for, so many fifteenths; `otherwise` where none are asked for.
  static int64_t share(int64_t fifteenths, int64_t otherwise) {
    const int64_t all = size_of_campaign("KILLS", 0);
    return all == 0 ? otherwise : std::max<int64_t>(1, all * fifteenths / 15);
  }

  Random random_{1, RandomUse::test};
};

TEST_F(Kills, TrainingsOnWaveforms) {
  ASSERT_EQ(prepare("set", 16, 2).code, 0);
  for (const std::string method : {"pit", "mixit", "mixpit", "mixcycle"})
    if (const int64_t kills = share(2, method == "mixcycle" ? 3 : 0); kills > 0)
      kill_training(waveform_training(method, 3, {"--set", "train.checkpoint_minutes=0.0003"}), kills);
}

TEST_F(Kills, TrainingsOnSeveralMicrophones) {
  if (share(1, 0) == 0) GTEST_SKIP() << "a part of scripts/nightly.sh --only kills";
  make_tree();
  if (HasFatalFailure()) return;
  for (const std::string method : {"m2m", "unssor"})
    if (const int64_t kills = share(2, 0); kills > 0)
      kill_training(far_field_training(method, 3, {"--set", "train.checkpoint_minutes=0.0003"}), kills);
}

TEST_F(Kills, Prepare) {
  if (share(1, 0) == 0) GTEST_SKIP() << "a part of scripts/nightly.sh --only kills";
  make_old("old", prepare_words("1"));
  kill_replacing(prepare_words("2"), "old", true);
}

TEST_F(Kills, Separate) {
  if (share(1, 0) == 0) GTEST_SKIP() << "a part of scripts/nightly.sh --only kills";
  make_models();
  make_old("old", separate("model1"));
  kill_replacing(separate("model2"), "old", false);
}

TEST_F(Kills, Evaluate) {
  if (share(1, 0) == 0) GTEST_SKIP() << "a part of scripts/nightly.sh --only kills";
  make_models();
  make_old("old", evaluate("model1"));
  kill_replacing(evaluate("model2"), "old", false);
}

}  // namespace
}  // namespace sunder::faults
