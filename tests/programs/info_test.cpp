#include "tests/programs/model_fixture.h"
#include "train/checkpoint.h"

namespace sunder {
namespace {

using InfoTest = ProgramTest;

TEST_F(InfoTest, DescribesTheBuild) {
  const ProgramResult result = run_program("sunder-info", {});
  EXPECT_EQ(result.code, 0);
  expect_contains(result.out, {"version ", "compiler ", "simd ", "OpenBLAS, ", "threads ", "GiB"});
}

TEST_F(InfoTest, DescribesModelsRecordingsAndSets) {
  const ProgramResult model = run_program("sunder-info", {write_model("model.safetensors", 3)});
  EXPECT_EQ(model.code, 0);
  expect_contains(model.out, {"stft-conv-tasnet", "sources        3", "parameters", "sample_rate    8000"});

  write_noise("tone.wav", 12000, 1, 16000);
  const ProgramResult sound = run_program("sunder-info", {at("tone.wav")});
  expect_contains(sound.out, {"16000 Hz", "12000", "0.750 s"});

  for (const char* part : {"mix", "s1", "s2"})
    for (const char* name : {"a", "b"}) write_noise(fmt::format("set/test/{}/{}.wav", part, name), 8000, 2);
  const ProgramResult set = run_program("sunder-info", {at("set")});
  EXPECT_EQ(set.code, 0);
  expect_contains(set.out, {"test           2 mixtures of 2 sources at 8000 Hz, 00:02"});
}

TEST_F(InfoTest, DescribesAndVerifiesCheckpoints) {
  const std::string model = write_model("model.safetensors");
  CheckpointData data{read_safetensors(model), {}, {{"epoch", int64_t{12}}, {"best_score", 9.25}}};
  data.optimizer = data.model;
  save_checkpoint(folder_ / "run", 340, data, true);
  const ProgramResult result = run_program("sunder-info", {at("run")});
  EXPECT_EQ(result.code, 0) << result.err;
  expect_contains(result.out, {"step-00000340", "epoch          12", "best_score     9.25", "stft-conv-tasnet"});

  // One flipped bit of the weights leaves the file well-formed: only the checksum shows it.
  const std::string name = "run/checkpoints/step-00000340/model.safetensors";
  std::string bytes = read(name);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write(name, bytes);
  for (const char* program : {"sunder-info", "sunder-separate"}) {
    const std::vector<std::string> arguments =
        program == std::string("sunder-info")
            ? std::vector<std::string>{at("run")}
            : std::vector<std::string>{"--model", at("run"), "x.wav", "-o", at("out")};
    const ProgramResult damaged = run_program(program, arguments);
    EXPECT_EQ(damaged.code, 4) << program;
    expect_contains(damaged.err, {"model.safetensors"});
  }
}

// What a model file says is the file's fault, not the caller's.
TEST_F(InfoTest, ABadModelFileIsNamed) {
  SafeTensors model = read_safetensors(write_model("model.safetensors"));
  model.metadata["hop_length"] = "100000";
  write_safetensors(folder_ / "hop.safetensors", model.tensors, model.metadata);
  model.metadata["architecture"] = "wavenet";
  write_safetensors(folder_ / "name.safetensors", model.tensors, model.metadata);
  for (const char* name : {"hop.safetensors", "name.safetensors"}) {
    const ProgramResult info = run_program("sunder-info", {at(name)});
    const ProgramResult separate = run_program("sunder-separate", {"--model", at(name), "x.wav", "-o", at("out")});
    for (const ProgramResult& result : {info, separate}) {
      EXPECT_EQ(result.code, 4) << result.err;
      expect_contains(result.err, {at(name) + ": "});
    }
  }
}

TEST_F(InfoTest, AModelIsFoundThroughATextPointer) {
  CheckpointData data{read_safetensors(write_model("model.safetensors")), {}, {}};
  data.optimizer = data.model;
  save_checkpoint(folder_ / "run", 340, data, true, [](const char*, const char*) { return -1; });
  EXPECT_EQ(read("run/checkpoints/best"), "step-00000340\n");
  write_noise("x.wav", 8000, 1);
  for (const char* path : {"run", "run/checkpoints/best", "run/checkpoints/last"}) {
    expect_contains(run_program("sunder-info", {at(path)}).out, {"step-00000340", "stft-conv-tasnet"});
    const ProgramResult separated = run_program(
        "sunder-separate", {"--model", at(path), at("x.wav"), "-o", at("out"), "--threads", "1", "--force"});
    EXPECT_EQ(separated.code, 0) << separated.err;
  }
}

TEST_F(InfoTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(run_program("sunder-info", {at("nothing")}).code, 3);
  write("text.txt", "hello");
  EXPECT_EQ(run_program("sunder-info", {at("text.txt")}).code, 3);
  std::filesystem::create_directories(folder_ / "bare");
  EXPECT_EQ(run_program("sunder-info", {at("bare")}).code, 3);
}

}  // namespace
}  // namespace sunder
