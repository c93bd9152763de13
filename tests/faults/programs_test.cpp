// Programs that replace results, with a fault at every kind of call: either the old or the new result is whole, the
// exit code and the message are right, and nothing is left over.
#include "tests/faults/replaced.h"

namespace sunder::faults {
namespace {

namespace fs = std::filesystem;

class ProgramFaults : public ReplacedResults {
 protected:
  void SetUp() override {
    if (injected_library().empty())
      GTEST_SKIP() << "a sanitizer's run-time library does not go with another preloaded one";
    TrainingTest::SetUp();
  }

  using Choose = std::function<std::vector<Fault>(const std::map<Kind, uint64_t>& calls)>;
  static Choose some(size_t half) {
    return [half](const auto& calls) { return choose_faults(calls, half); };
  }

  // `command` writes below work(), where `old` may hold what an earlier run wrote. `one`: its results are one set.
  void run_faults(const std::string& what, const Command& command, const std::string& old, bool one,
                  const Choose& choose = some(0)) const {
    Results results;
    make_results(command, old, results);
    if (HasFatalFailure()) return;
    restore(old);
    const Injected counted = inject(command, folder_);
    ASSERT_EQ(counted.result.code, 0) << counted.result.err;
    const std::vector<Fault> faults = choose(counted.calls);
    Count count("faults", what, faults.size());
    for (const Fault& fault : faults) {
      restore(old);
      const Injected injected = inject(command, folder_, &fault);
      if (!injected.struck) continue;  // threads do not make the same calls every time
      count.tried(fault.text() + " at " + injected.path, wrong(command, fault, injected, results, one));
    }
    EXPECT_GT(count.tried(), faults.size() / 2);
  }

  std::string wrong(const Command& command, const Fault& fault, const Injected& injected, const Results& results,
                    bool one) const {
    const int code = injected.result.code;
    const bool killed = fault.what == "kill" || fault.what == "tear";
    if (killed ? code != 128 + SIGKILL : !is_documented(code))
      return fmt::format("exit code {}: {}", code, injected.result.err);
    const Snapshot all = snapshot(work()), found = visible(all, results);
    if (const std::string text = broken(results, found, one); !text.empty())
      return fmt::format("exit code {}: {}", code, text);
    if (code == 0) {
      if (const std::string text = difference(results.after, found); !text.empty()) return "exit code 0, but " + text;
    } else if (!killed) {
      if (const std::string text = unclear(injected.result.err, folder_, fault.kind == Kind::memory); !text.empty())
        return fmt::format("exit code {}: {}", code, text);
    }
    return difference(results.after, all).empty() ? "" : not_mended(command, results);
  }
};

TEST_F(ProgramFaults, PrepareMakesANewSet) {
  fs::create_directories(folder_ / "nothing");
  Command command = prepare_words("1");
  std::erase(command.arguments, "--force");
  run_faults("sunder-prepare sc09mix", command, "nothing", true);
}

// Also of a header, whose failure libsndfile does not tell.
TEST_F(ProgramFaults, EveryWriteOfAWavCounts) {
  ASSERT_EQ(prepare("set", 4).code, 0);
  fs::create_directories(folder_ / "nothing");
  const Command command = {
      "sunder-prepare", {"audio", "--set", at("set"), "--output", at("work/audio"), "--items", "1", "--threads", "1"}};
  run_faults("sunder-prepare audio on a full disk", command, "nothing", true, [](const auto& calls) {
    std::vector<Fault> faults;
    for (uint64_t at = 1; at <= calls.at(Kind::write); ++at) faults.push_back({Kind::write, at, false, "ENOSPC"});
    return faults;
  });
}

// Files are moved into a folder that stands there already one by one.
TEST_F(ProgramFaults, PrepareFillsAnEmptyFolder) {
  fs::create_directories(folder_ / "empty/set");
  run_faults("sunder-prepare sc09mix into an empty folder", prepare_words("1"), "empty", false, some(1));
}

TEST_F(ProgramFaults, PrepareReplacesAListedSet) {
  make_old("old", prepare_words("1"));
  run_faults("sunder-prepare sc09mix --force", prepare_words("2"), "old", true);
}

TEST_F(ProgramFaults, PrepareReplacesASetOfVoices) {
  if (!is_campaign()) GTEST_SKIP() << "a part of scripts/nightly.sh --only faults";
  const auto voices = [&](const std::string& seed) {
    return Command{"sunder-prepare",
                   {"voices",  "--corpus", at("corpus"),    "--output", at("work/set"), "--train", "2",
                    "--valid", "1",        "--test",        "1",        "--seconds",    "0.25",    "--threads",
                    "1",       "--force",  "--min-seconds", "0.05",     "--seed",       seed}};
  };
  make_old("old", voices("1"));
  run_faults("sunder-prepare voices --force", voices("2"), "old", true);
}

TEST_F(ProgramFaults, PrepareReplacesRooms) {
  if (!is_campaign()) GTEST_SKIP() << "a part of scripts/nightly.sh --only faults";
  write_speech();
  const auto rooms = [&](const std::string& seed) {
    return Command{"sunder-prepare",
                   {"rooms", "--speech", at("speech"), "--output", at("work/tree"), "--train", "1", "--valid", "1",
                    "--test", "1", "--threads", "1", "--force", "--seed", seed}};
  };
  make_old("old", rooms("1"));
  run_faults("sunder-prepare rooms --force", rooms("2"), "old", true);
}

TEST_F(ProgramFaults, PrepareReplacesAudio) {
  if (!is_campaign()) GTEST_SKIP() << "a part of scripts/nightly.sh --only faults";
  ASSERT_EQ(prepare("set", 4).code, 0);
  const auto audio = [&](const std::string& split) {
    return Command{
        "sunder-prepare",
        {"audio", "--set", at("set"), "--output", at("work/audio"), "--split", split, "--threads", "1", "--force"}};
  };
  make_old("old", audio("train"));
  run_faults("sunder-prepare audio --force", audio("test"), "old", true);
}

TEST_F(ProgramFaults, SeparateReplacesResults) {
  make_models();
  make_old("old", separate("model1"));
  run_faults("sunder-separate", separate("model2"), "old", false);
}

TEST_F(ProgramFaults, EvaluateReplacesResults) {
  make_models();
  make_old("old", evaluate("model1"));
  run_faults("sunder-evaluate", evaluate("model2"), "old", false, some(1));
}

}  // namespace
}  // namespace sunder::faults
