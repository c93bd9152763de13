// Resuming from checkpoints that are damaged or belong to another run.
#include "tests/programs/training_fixture.h"
#include "train/checkpoint.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class BadCheckpointTest : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    ASSERT_EQ(prepare("set", 16).code, 0);
    ASSERT_EQ(train("pit", "set", "run", {"--max-epochs", "3"}).code, 0);
    fs::copy(folder_ / "run", folder_ / "kept", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }
  void damage(const std::string& checkpoint, const std::string& file, const std::string& bytes) const {
    write("run/checkpoints/" + checkpoint + "/" + file, bytes);
  }
  void restore() const {
    fs::remove_all(folder_ / "run");
    fs::copy(folder_ / "kept", folder_ / "run", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }
};

TEST_F(BadCheckpointTest, ADamagedOneIsPassedOver) {
  const std::vector<std::string> names = checkpoints("run");
  ASSERT_NE(std::find(names.begin(), names.end(), "step-00000012"), names.end());
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"}) {
    SCOPED_TRACE(file);
    const std::string whole = read(std::string("kept/checkpoints/step-00000012/") + file);
    for (const size_t length : {size_t{0}, size_t{7}, whole.size() / 2, whole.size() - 1}) {
      damage("step-00000012", file, whole.substr(0, length));
      const ProgramResult result = resume("pit", "run");
      EXPECT_EQ(result.code, 0) << result.err;
      expect_contains(result.err, {"fell back to " + at("run/checkpoints/step-00000008"),
                                   at("run/checkpoints/step-00000012") + "/" + file, "resumed from"});
      // The lost steps were trained again.
      expect_same_checkpoint("run/checkpoints/last", "kept/checkpoints/last");
      restore();
    }
  }
}

TEST_F(BadCheckpointTest, WithoutAWholeOneNothingIsResumed) {
  for (const std::string& name : checkpoints("run"))
    if (name.starts_with("step-")) damage(name, "model.safetensors", "short");
  const std::string rows = read("run/metrics.jsonl");
  const ProgramResult result = resume("pit", "run");
  EXPECT_EQ(result.code, 4) << result.err;
  expect_contains(result.err, {at("run/checkpoints") + ": no checkpoint is intact"});
  EXPECT_EQ(read("run/metrics.jsonl"), rows);
}

TEST_F(BadCheckpointTest, AHeaderThatLies) {
  // The manifest fits the file, but the model file claims a header of 2^60 bytes.
  const fs::path checkpoint = folder_ / "run/checkpoints/step-00000012";
  std::string bytes = read(checkpoint / "model.safetensors");
  bytes[7] = 0x10;
  auto manifest = nlohmann::json::parse(read(checkpoint / "manifest.json"));
  write(checkpoint / "model.safetensors", bytes);
  fs::remove(checkpoint / "manifest.json");
  const ProgramResult missing =
      run_program("sunder-train-pit", {"--output", at("other"), "--resume", at("run") + "/checkpoints/step-00000012"});
  EXPECT_EQ(missing.code, 4) << missing.err;
  expect_contains(missing.err, {"manifest.json"});
  EXPECT_FALSE(exists("other"));
  write(checkpoint / "manifest.json", manifest.dump());
  const ProgramResult result = resume("pit", "run");
  EXPECT_EQ(result.code, 0) << result.err;
  expect_contains(result.err, {"fell back to", "step-00000012/model.safetensors"});
}

TEST_F(BadCheckpointTest, OtherMethodsArchitecturesAndStates) {
  const std::string rows = read("run/metrics.jsonl");
  const auto refuse = [&](const std::string& method, const std::vector<std::string>& more,
                          const std::vector<std::string>& parts) {
    const ProgramResult result = resume(method, "run", more);
    EXPECT_EQ(result.code, 4) << result.err;
    expect_contains(result.err, parts);
    EXPECT_EQ(read("run/metrics.jsonl"), rows);
    expect_same_checkpoint("run/checkpoints/last", "kept/checkpoints/last");
  };
  refuse("mixpit", {}, {"run/checkpoints/step-00000012", "expected a run of mixpit, found one of pit"});
  refuse("pit", {"--set", "model.num_hidden=24"}, {"model.num_hidden = 16 (now 24)"});
  refuse("pit", {"--seed", "5"}, {"train.seed = 0 (now 5)"});
  refuse("pit", {"--precision", "fp64"}, {"train.precision = fp32 (now fp64)"});

  Checkpoint checkpoint = load_checkpoint(folder_ / "run/checkpoints/last");
  const CheckpointData good = checkpoint.data;
  const auto save = [&](const CheckpointData& data) { save_checkpoint(folder_ / "run", 12, data, false); };
  const auto refuse_state = [&](const std::vector<std::string>& parts) {
    const ProgramResult result = resume("pit", "run");
    EXPECT_EQ(result.code, 4) << result.err;
    expect_contains(result.err, parts);
  };
  CheckpointData data = good;
  data.model.tensors.erase("mask_generator.output_conv.bias");
  save(data);
  refuse_state({"mask_generator.output_conv.bias"});
  data = good;
  data.optimizer.tensors["step"] = Tensor::zeros({2}, DType::int64);
  save(data);
  refuse_state({"expected step as int64 (1)"});
  data = good;
  data.state.erase("epoch");
  save(data);
  refuse_state({"'epoch'"});
  data = good;
  data.state["plateaus"] = std::string("text");
  save(data);
  refuse_state({"'plateaus'"});
  data = good;
  data.model.metadata.erase("config");
  save(data);
  refuse_state({"configuration"});
  const ProgramResult none =
      run_program("sunder-train-pit", {"--output", at("run2"), "--resume", at("nothing"), "--data", at("set")});
  EXPECT_EQ(none.code, 4) << none.err;
  expect_contains(none.err, {at("nothing") + ": no such checkpoint"});
  EXPECT_FALSE(exists("run2"));
}

}  // namespace
}  // namespace sunder
