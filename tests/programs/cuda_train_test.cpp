// Training on a CUDA device gives the same results as on the CPU. (training_programs_test with SUNDER_DEVICE=cuda
// covers stopping, killing and resuming.)
#include "files/safetensors.h"
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

class CudaTrainTest : public TrainingTest {
 protected:
  void SetUp() override {
    SUNDER_NEEDS_CUDA();
    TrainingTest::SetUp();
    if (HasFatalFailure()) return;
    const ProgramResult made = prepare("set", 64);
    ASSERT_EQ(made.code, 0) << made.err;
  }

  ProgramResult train_on(const std::string& device, const std::string& run, std::vector<std::string> more) const {
    more.insert(more.end(), {"--device", device, "--max-epochs", "2", "--set", "mixcycle.init_epochs=1"});
    return train("mixcycle", "set", run, more);
  }
  std::map<std::string, Tensor> model(const std::string& run) const {
    return read_safetensors(folder_ / run / "checkpoints/last/model.safetensors").tensors;
  }
};

// Eight steps of MixPIT, then sixteen of MixCycle, in float64: Adam amplifies rounding.
TEST_F(CudaTrainTest, MixCycleEndsWhereTheCpuEnds) {
  for (const char* device : {"cpu", "cuda"}) {
    const ProgramResult result = train_on(device, device, {"--precision", "fp64"});
    ASSERT_EQ(result.code, 0) << result.err;
  }
  const auto here = model("cpu"), there = model("cuda");
  ASSERT_EQ(here.size(), there.size());
  for (const auto& [name, tensor] : here) {
    const auto expected = tensor.to_vector<double>(), actual = there.at(name).to_vector<double>();
    ASSERT_EQ(actual.size(), expected.size()) << name;
    for (size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], 1e-9) << name << ' ' << i;
  }
  const auto rows = metrics("cpu"), cuda_rows = metrics("cuda");
  ASSERT_EQ(cuda_rows.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i)
    for (const auto& [key, value] : rows[i].items()) {
      SCOPED_TRACE(key + " in line " + std::to_string(i));
      if (!value.is_number()) {
        EXPECT_EQ(cuda_rows[i][key], value);
        continue;
      }
      EXPECT_NEAR(cuda_rows[i][key].get<double>(), value.get<double>(), 1e-8);
    }
}

TEST_F(CudaTrainTest, AGraphChangesNoByteAndSaysWhatItHolds) {
  const ProgramResult launches = train_on("cuda", "launches", {"--graph", "off"}),
                      graph = train_on("cuda", "graph", {});
  ASSERT_EQ(launches.code, 0) << launches.err;
  ASSERT_EQ(graph.code, 0) << graph.err;
  // The whole model without its configuration, which differs by the flag.
  EXPECT_EQ(
      read("launches/checkpoints/last/optimizer.safetensors") == read("graph/checkpoints/last/optimizer.safetensors"),
      true);
  for (const auto& [name, tensor] : model("launches"))
    EXPECT_EQ(tensor.to_vector<float>(), model("graph")[name].to_vector<float>());
  EXPECT_EQ(metrics("launches"), metrics("graph"));
  expect_contains(graph.err, {"mixpit: a step is one CUDA graph of ", "mixcycle: a step is one CUDA graph of "});
  EXPECT_EQ(launches.err.find("CUDA graph"), std::string::npos);
}

TEST_F(CudaTrainTest, LowerPrecisionTrainsAndIsKeptInFloat32) {
  for (const char* precision : {"fp32", "tf32", "bf16"}) {
    const ProgramResult result = train_on("cuda", precision, {"--precision", precision});
    ASSERT_EQ(result.code, 0) << result.err;
    for (const auto& [name, tensor] : model(precision)) EXPECT_EQ(tensor.dtype(), DType::float32) << name;
  }
  // The first step's loss in dB: close, but not the same bits.
  const auto first_loss = [&](const char* precision) { return metrics(precision)[0]["loss"].get<double>(); };
  const double exact = first_loss("fp32");
  EXPECT_NE(first_loss("tf32"), exact);
  EXPECT_NEAR(first_loss("tf32"), exact, 0.01);
  EXPECT_NE(first_loss("bf16"), exact);
  EXPECT_NEAR(first_loss("bf16"), exact, 0.1);
}

#ifdef SUNDER_CUDA_EMULATED
TEST_F(CudaTrainTest, ASecondDeviceDoesTheSame) {
  const ProgramSetup two = {.environment = {{"SUNDER_EMULATOR_DEVICES", "2"}}};
  for (const char* device : {"cuda:0", "cuda:1"}) {
    const ProgramResult result = train(
        "mixcycle", "set", device, {"--device", device, "--max-epochs", "2", "--set", "mixcycle.init_epochs=1"}, two);
    ASSERT_EQ(result.code, 0) << result.err;
  }
  EXPECT_EQ(metrics("cuda:0"), metrics("cuda:1"));
  std::string tables[2];
  for (int i = 0; i < 2; ++i) {
    const ProgramResult result = run_program("sunder-evaluate",
                                             {"--model", at("cuda:0/checkpoints/best"), "--data", at("set"), "--split",
                                              "test", "--device", "cuda:" + std::to_string(i)},
                                             two);
    ASSERT_EQ(result.code, 0) << result.err;
    tables[i] = result.out;
  }
  EXPECT_EQ(tables[0], tables[1]);
}
#endif

TEST_F(CudaTrainTest, TheCpuHasNoGraphs) {
  const ProgramResult result = train_on("cpu", "run", {"--graph", "on"});
  EXPECT_EQ(result.code, 2);
  expect_contains(result.err, {"train.graph: expected auto or off on the CPU, which has no graphs, got on"});
}

}  // namespace
}  // namespace sunder
