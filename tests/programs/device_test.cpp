// Training programs where a CUDA device is missing, unfit, full or lost: exit code 6, one sentence, no partial files.
// The emulator simulates each case.
#include "tests/programs/training_fixture.h"
#include "train/checkpoint.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;
using Environment = std::map<std::string, std::string>;

class DeviceTest : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    const ProgramResult made = prepare("set", 16);
    ASSERT_EQ(made.code, 0) << made.err;
  }

  // Refused before anything is written: one line on stderr, no run folder.
  void expect_refused(const std::string& device, const Environment& environment, const std::string& message) const {
    SCOPED_TRACE(testing::PrintToString(environment));
    const ProgramResult result = train("pit", "set", "refused", {"--device", device}, {.environment = environment});
    EXPECT_EQ(result.code, 6);
    EXPECT_EQ(result.err, "sunder-train-pit: device " + message + "\n");
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(exists("refused"));
  }
};

TEST_F(DeviceTest, MissingDriversAndDevices) {
  const std::string driver = "cuda:0: expected an NVIDIA driver for CUDA 13.0 or later, found ";
  expect_refused("cuda", {{"SUNDER_EMULATOR_DRIVER", "0"}}, driver + "none; use --device cpu");
  expect_refused("cuda", {{"SUNDER_EMULATOR_DRIVER", "12080"}}, driver + "one for CUDA 12.8; use --device cpu");
  const Environment none = {{"SUNDER_EMULATOR_DEVICES", "0"}, {"CUDA_VISIBLE_DEVICES", "-1"}};
  expect_refused("cuda:1", none,
                 "cuda:1: expected a CUDA device, found none (CUDA_VISIBLE_DEVICES is '-1'); use --device cpu");
}

TEST_F(DeviceTest, IndicesOutOfRange) {
  expect_refused("cuda:1", {}, "cuda:1: expected cuda:0, found 1 device");
  expect_refused("cuda:2", {{"SUNDER_EMULATOR_DEVICES", "2"}}, "cuda:2: expected cuda:0 to cuda:1, found 2 devices");
}

TEST_F(DeviceTest, ArchitecturesThatTheBinaryLacks) {
  expect_refused("cuda", {{"SUNDER_EMULATOR_CAPABILITY", "75"}},
                 "cuda:0: expected a GPU that code for " SUNDER_CUDA_CODE
                 " runs on, found emulated device of sm_75, which needs a build with SUNDER_CUDA_ARCHITECTURES=75; use "
                 "--device cpu");
}

// Eight steps, each with a checkpoint and a line of metrics: one undisturbed run, and others that a fault stops in the
// middle.
class FaultTest : public DeviceTest {
 protected:
  void run_undisturbed() {
    const ProgramResult whole = run("whole", {{"SUNDER_EMULATOR_REPORT", "1"}});
    ASSERT_EQ(whole.code, 0) << whole.err;
    report_ = whole.err;
  }

  // With an allocation for every tensor and no graph, memory can run out in any step.
  ProgramResult run(const std::string& name, Environment environment) const {
    environment["SUNDER_POOL"] = "off";
    return train("pit", "set", name,
                 {"--max-epochs", "2", "--device", "cuda", "--set", "train.checkpoint_minutes=1e-6", "--set",
                  "train.graph=" + graph_},
                 {.environment = std::move(environment)});
  }

  // After five eighths of the undisturbed run's kernels, in its second epoch.
  std::string middle() const {
    const size_t end = report_.find(" kernels ran");
    if (end == std::string::npos) throw_error("no kernels in: {}", report_);
    return std::to_string(std::stoll(report_.substr(report_.rfind(' ', end - 1) + 1)) * 5 / 8);
  }

  // The last line names the fault; all checkpoints are whole, and a run resumed from the last one ends with the same
  // results as the undisturbed run.
  void expect_resumable(const std::string& name, const Environment& fault,
                        const std::vector<std::string>& message) const {
    const ProgramResult stopped = run(name, fault);
    EXPECT_EQ(stopped.code, 6) << stopped.err;
    const std::string last = stopped.err.substr(stopped.err.rfind('\n', stopped.err.size() - 2) + 1);
    expect_contains(last, {"sunder-train-pit: "});
    expect_contains(last, message);
    EXPECT_EQ(stopped.out, "");
    EXPECT_FALSE(exists(name + "/results.md"));
    for (const std::string& checkpoint : checkpoints(name)) {
      EXPECT_NE(checkpoint[0], '.') << "half written";
      EXPECT_NO_THROW(load_checkpoint(folder_ / name / "checkpoints" / checkpoint));
    }
    const int64_t steps = state(name + "/checkpoints/last")["steps"];
    EXPECT_GT(steps, 0);
    EXPECT_LT(steps, state("whole/checkpoints/last")["steps"]);
    const ProgramResult rest = resume("pit", name);
    EXPECT_EQ(rest.code, 0) << rest.err;
    expect_same_run("whole", name);
  }

  std::string graph_ = "on";

 private:
  std::string report_;
};

TEST_F(FaultTest, MemoryThatRunsOutInTheMiddleOfAStep) {
  graph_ = "off";
  run_undisturbed();
  if (HasFatalFailure()) return;
  expect_resumable("run", {{"SUNDER_EMULATOR_FAIL_AFTER", middle()}, {"SUNDER_EMULATOR_FAIL_ERROR", "2"}},
                   {"out of memory on cuda:0: asked for ", " bytes (", " MiB) with ", " MiB in use (",
                    " of the device's 16384.0 MiB are free), most of it in tensors: ", " of 0.1 MiB, ",
                    "; lower --batch or data.segment_seconds\n"});
}

TEST_F(FaultTest, ErrorsThatLoseTheDevice) {
  run_undisturbed();
  if (HasFatalFailure()) return;
  for (const auto& [error, name] :
       {std::pair("700", "cudaErrorIllegalAddress (an illegal memory access was encountered)"),
        std::pair("719", "cudaErrorLaunchFailure (unspecified launch failure)")}) {
    SCOPED_TRACE(name);
    expect_resumable(error, {{"SUNDER_EMULATOR_FAIL_AFTER", middle()}, {"SUNDER_EMULATOR_FAIL_ERROR", error}},
                     {std::string(" failed: ") + name + " at ",
                      "; the GPU is lost to this process (CUDA_LAUNCH_BLOCKING=1 shows which kernel did it); "
                      "resume from the last checkpoint with --resume auto\n"});
  }
}

}  // namespace
}  // namespace sunder
