// Trainings with a fault at every kind of call: the exit code and the message are right, and the same words then end
// with the bits of an undisturbed run.
#include "tests/faults/replaced.h"

namespace sunder::faults {
namespace {

namespace fs = std::filesystem;

class TrainingFaults : public ReplacedResults {
 protected:
  void SetUp() override {
    if (injected_library().empty()) GTEST_SKIP() << "a sanitizer's run-time library does not go with a preloaded one";
    TrainingTest::SetUp();
    if (HasFatalFailure()) return;
    ASSERT_EQ(prepare("set", 8, 2).code, 0);
    fs::create_directories(folder_ / "nothing");
  }

  // `old`: a folder with what an earlier run left.
  void run_faults(const std::string& what, const Command& command, const std::string& old, size_t half) const {
    restore(old);
    const Injected plain = inject(command, folder_);
    ASSERT_EQ(plain.result.code, 0) << plain.result.err;
    const Snapshot expected = outcome();
    ASSERT_FALSE(expected.at("last/model.safetensors").empty());
    const std::vector<Fault> faults = choose_faults(plain.calls, half);
    Count count("faults", what, faults.size());
    for (const Fault& fault : faults) {
      restore(old);
      const Injected injected = inject(command, folder_, &fault);
      if (!injected.struck) continue;  // threads do not make the same calls every time
      count.tried(fault.text() + " at " + injected.path, wrong(command, fault, injected, expected, old));
    }
    EXPECT_GT(count.tried(), faults.size() / 2);
  }

  std::string wrong(const Command& command, const Fault& fault, const Injected& injected, const Snapshot& expected,
                    const std::string& old) const {
    const int code = injected.result.code;
    const bool killed = fault.what == "kill" || fault.what == "tear";
    if (killed ? code != 128 + SIGKILL : !is_documented(code))
      return fmt::format("exit code {}: {}", code, injected.result.err);
    if (!killed && code != 0)
      if (const std::string text = unclear(injected.result.err, folder_, fault.kind == Kind::memory); !text.empty())
        return fmt::format("exit code {}: {}", code, text);
    if (const std::string lost = lost_checkpoint(old); !lost.empty())
      return fmt::format("exit code {}: {} is lost: {}", code, lost, injected.result.err);
    if (code != 0) {
      const ProgramResult again = run_program(command.program, command.arguments);
      if (again.code != 0)
        return fmt::format("exit code {}, and the next run fails with {}: {}", code, again.code, again.err);
    }
    const std::string text = difference(expected, outcome());
    return text.empty() ? "" : fmt::format("exit code {}: in the end {}", code, text);
  }

  // A run may remove a checkpoint when it has saved a later one, but the latest is never gone.
  std::string lost_checkpoint(const std::string& old) const {
    std::string latest;
    for (const std::string& name : checkpoints(old + "/run"))
      if (name.starts_with("step-")) latest = std::max(latest, name);
    for (const std::string& name : checkpoints("work/run"))
      if (name.starts_with("step-") && name >= latest) return "";
    return latest;
  }
};

TEST_F(TrainingFaults, ANewRun) { run_faults("sunder-train-mixcycle", waveform_training("mixcycle", 2), "nothing", 0); }

TEST_F(TrainingFaults, AResumedRun) {
  const Command begin = waveform_training("mixcycle", 2);
  ASSERT_EQ(run_program(begin.program, begin.arguments).code, 0);
  fs::rename(folder_ / "work", folder_ / "begun");
  run_faults("sunder-train-mixcycle --resume auto", waveform_training("mixcycle", 3), "begun", 1);
}

}  // namespace
}  // namespace sunder::faults
