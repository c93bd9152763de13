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
      // The lost steps were trained again; the damaged checkpoint is kept aside.
      expect_same_checkpoint("run/checkpoints/last", "kept/checkpoints/last");
      expect_contains(result.err, {"the damaged checkpoint", at("run/checkpoints/damaged-step-00000012")});
      EXPECT_EQ(read(std::string("run/checkpoints/damaged-step-00000012/") + file), whole.substr(0, length));
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
  data.state["batches_done"] = int64_t{-5};
  save(data);
  refuse_state({"state.json: batches_done: expected a whole number of at least 0, got '-5'"});
  data = good;
  data.model.metadata["config"] = "[optim]\nbeta1 = 1.0\n";
  save(data);
  refuse_state({"model.safetensors: the configuration in the metadata: optim.beta1: expected"});
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

// A checkpoint named on the command line sets later ones aside, the best among them too.
TEST_F(BadCheckpointTest, AnEarlierCheckpointCostsNoLaterOne) {
  Checkpoint last = load_checkpoint(folder_ / "run/checkpoints/last");
  save_checkpoint(folder_ / "run", 12, last.data, true);
  const std::string model = read("run/checkpoints/best/model.safetensors"), rows = read("run/metrics.jsonl");
  const ProgramResult result =
      run_program("sunder-train-pit",
                  {"--output", at("run"), "--resume", at("run/checkpoints/step-00000008"), "--max-epochs", "2"});
  ASSERT_EQ(result.code, 0) << result.err;
  expect_contains(result.err, {"the later checkpoint " + at("run/checkpoints/step-00000012"),
                               at("run/checkpoints/abandoned/step-00000012")});
  EXPECT_EQ(read("run/checkpoints/abandoned/step-00000012/model.safetensors"), model);
  EXPECT_EQ(read("run/checkpoints/abandoned/metrics.jsonl"), rows);
  EXPECT_NO_THROW(load_checkpoint(folder_ / "run/checkpoints/best"));
  EXPECT_EQ(load_checkpoint(folder_ / "run/checkpoints/last").step, 8);
}

TEST_F(BadCheckpointTest, WhatCannotBeReadIsNotPassedOver) {
  fs::remove(folder_ / "run/checkpoints/step-00000012/state.json");
  fs::create_symlink("/proc/self/mem", folder_ / "run/checkpoints/step-00000012/state.json");
  const std::vector<std::string> before = checkpoints("run");
  const ProgramResult result = resume("pit", "run");
  EXPECT_EQ(result.code, 1) << result.err;
  expect_contains(result.err,
                  {at("run/checkpoints/step-00000012/state.json") + ": cannot be read: Input/output error"});
  EXPECT_EQ(checkpoints("run"), before);
}

// Copies to disks and archives without links.
TEST_F(BadCheckpointTest, PointersMayBeTexts) {
  for (const char* name : {"last", "best"}) {
    const std::string target = fs::read_symlink(folder_ / "run/checkpoints" / name);
    fs::remove(folder_ / "run/checkpoints" / name);
    write(std::string("run/checkpoints/") + name, target + "\n");
  }
  const ProgramResult named = run_program(
      "sunder-train-pit", {"--output", at("run"), "--resume", at("run/checkpoints/last"), "--max-epochs", "4"});
  ASSERT_EQ(named.code, 0) << named.err;
  expect_contains(named.err, {"resumed from " + at("run/checkpoints/step-00000012")});
  for (const char* name : {"last", "best"}) {
    fs::remove_all(folder_ / "run");
    fs::copy(folder_ / "kept", folder_ / "run", fs::copy_options::recursive);  // as cp -rL
    EXPECT_FALSE(fs::is_symlink(folder_ / "run/checkpoints" / name));
    const ProgramResult copied = run_program(
        "sunder-train-pit", {"--output", at("run"), "--resume", at("run/checkpoints/") + name, "--max-epochs", "4"});
    ASSERT_EQ(copied.code, 0) << copied.err;
    EXPECT_EQ(state("run/checkpoints/last")["epoch"], 3);
  }
  write("kept/checkpoints/pointer", "step-00000012\n");
  const ProgramResult init =
      train("pit", "set", "new", {"--init", at("kept/checkpoints/pointer"), "--max-epochs", "1"});
  EXPECT_EQ(init.code, 0) << init.err;
}

TEST_F(BadCheckpointTest, OtherDataIsNoticed) {
  ASSERT_EQ(prepare("fewer", 12).code, 0);
  ASSERT_EQ(prepare("others", 16, 4, {"--seed", "9"}).code, 0);
  const auto attempt = [&](const std::string& set, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"--data", at(set), "--max-epochs", "4"};
    words.insert(words.end(), more.begin(), more.end());
    return resume("pit", "run", words);
  };
  const ProgramResult fewer = attempt("fewer", {}), others = attempt("others", {});
  EXPECT_EQ(fewer.code, 4) << fewer.err;
  expect_contains(fewer.err, {"the data has changed since: 16 training mixtures are now 12", "--changed-data"});
  EXPECT_EQ(others.code, 4) << others.err;
  expect_contains(others.err, {"the 16 training mixtures are other ones, the 4 validation mixtures are other ones"});
  expect_same_checkpoint("run/checkpoints/last", "kept/checkpoints/last");
  const ProgramResult accepted = attempt("fewer", {"--changed-data"});
  EXPECT_EQ(accepted.code, 0) << accepted.err;
  expect_contains(accepted.err, {"the data has changed: 16 training mixtures are now 12"});
  EXPECT_EQ(attempt("fewer", {}).code, 0) << "the run is now one on these";
  EXPECT_EQ(attempt("set", {}).code, 4);
}

// The same mixtures at another rate.
TEST_F(BadCheckpointTest, AnotherRateIsRefused) {
  ASSERT_EQ(prepare("fast", 16, 4, {"--write-audio"}).code, 0);
  fs::remove(folder_ / "fast/set.toml");
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "fast"))
    if (entry.path().extension() == ".wav") write_wav(entry.path(), read_audio(entry.path()).samples, 16000);
  const ProgramResult resumed = resume("pit", "run", {"--data", at("fast"), "--changed-data"});
  EXPECT_EQ(resumed.code, 4) << resumed.err;
  expect_contains(resumed.err, {"trained on mixtures of 8000 Hz, the given ones are of 16000 Hz"});
  const ProgramResult begun = train("pit", "fast", "new", {"--init", at("run"), "--max-epochs", "1"});
  EXPECT_EQ(begun.code, 4) << begun.err;
  expect_contains(begun.err, {at("run") + ": the initial weights are of a network for 8000 Hz", "--changed-data"});
  EXPECT_FALSE(exists("new"));
  EXPECT_EQ(train("pit", "fast", "new", {"--init", at("run"), "--changed-data", "--max-epochs", "1"}).code, 0);
}

TEST_F(BadCheckpointTest, NumbersThatAreNotFiniteAreRefused) {
  Checkpoint last = load_checkpoint(folder_ / "run/checkpoints/last");
  last.data.model.tensors.at("mask_generator.output_conv.bias").mutable_data<float>()[3] = NAN;
  write_safetensors(folder_ / "bad.safetensors", last.data.model.tensors, last.data.model.metadata);
  const std::string named = "expected finite numbers in the tensor mask_generator.output_conv.bias, found nan at 3";
  const ProgramResult init = train("pit", "set", "new", {"--init", at("bad.safetensors"), "--max-epochs", "1"});
  EXPECT_EQ(init.code, 4) << init.err;
  expect_contains(init.err, {at("bad.safetensors") + ": " + named});
  EXPECT_FALSE(exists("new"));
  save_checkpoint(folder_ / "run", 12, last.data, false);
  const ProgramResult resumed = resume("pit", "run", {"--max-epochs", "4"});
  EXPECT_EQ(resumed.code, 4) << resumed.err;
  expect_contains(resumed.err, {named});
}

}  // namespace
}  // namespace sunder
