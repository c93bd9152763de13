// Weights of other projects as users import them, and PyTorch's own files wherever a model is read.
#include <cmath>

#include "tests/programs/model_fixture.h"

namespace sunder {
namespace {

class ImportTest : public ProgramTest {
 protected:
  // Weights as a DataParallel module of MixCycle's network holds them in float64, without a word about the network.
  std::string write_weights(const std::string& name, const std::string& without = "") const {
    SafeTensors model = read_safetensors(write_model("own.safetensors"));
    std::map<std::string, Tensor> tensors;
    for (const auto& [key, tensor] : model.tensors)
      if (key != without) tensors["module." + key] = tensor.cast(DType::float64);
    tensors["module.window"] = Tensor::full({256}, 1, DType::float32);
    tensors["module.steps"] = Tensor::full({1}, 7, DType::int64);
    write_safetensors(folder_ / name, tensors);
    return at(name);
  }
};

TEST_F(ImportTest, ImportedWeightsSeparateAsTheyDid) {
  const std::string weights = write_weights("weights.safetensors");
  const ProgramResult result =
      run_program("sunder-import", {weights, "--from", "torchaudio", "--metadata", "num_stacks=1", "--sample-rate",
                                    "8000", "-o", at("model.safetensors")});
  ASSERT_EQ(result.code, 0) << result.err;
  expect_contains(result.out,
                  {"torchaudio's MaskGenerator (module.mask_generator.*)", "n_fft              256        shapes",
                   "hop_length         64         assumed", "num_stacks         1          given",
                   "ignored            module.steps, int64 (1)", "ignored            module.window"});
  expect_contains(result.err, {"compare it with the configuration of the training"});
  write_noise("x.wav", 8000, 1);
  for (const char* model : {"own", "model"}) {
    const ProgramResult separated =
        run_program("sunder-separate", {"--model", at(std::string(model) + ".safetensors"), at("x.wav"), "-o",
                                        at(model), "--no-pictures", "--threads", "1"});
    ASSERT_EQ(separated.code, 0) << separated.err;
  }
  for (const char* name : {"x_s1.wav", "x_s2.wav"})
    EXPECT_EQ(read(std::string("own/") + name), read(std::string("model/") + name));
  expect_contains(run_program("sunder-info", {at("model.safetensors")}).out, {"imported_from", "torchaudio"});
}

TEST_F(ImportTest, NothingIsWrittenForWeightsThatDoNotFit) {
  const std::string weights = write_weights("weights.safetensors", "mask_generator.output_conv.bias");
  const auto import = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {weights, "-o", at("model.safetensors")});
    return run_program("sunder-import", more);
  };
  const ProgramResult incomplete = import({"--from", "torchaudio"});
  EXPECT_EQ(incomplete.code, 4);
  expect_contains(incomplete.err,
                  {weights + ": expected a tensor module.mask_generator.output_conv.bias of shape (258), found none"});
  EXPECT_EQ(import({"--from", "espnet"}).code, 4);
  const ProgramResult unknown = import({"--from", "asteroit"});
  EXPECT_EQ(unknown.code, 2);
  expect_contains(unknown.err, {"did you mean", "asteroid"});
  EXPECT_EQ(import({"--from", "torchaudio", "--metadata", "window=kaiser"}).code, 2);
  EXPECT_EQ(import({"--from", "torchaudio", "--metadata", "windows=hann"}).code, 2);
  EXPECT_EQ(import({}).code, 2);
  EXPECT_FALSE(exists("model.safetensors"));
}

TEST_F(ImportTest, AnInputIsNeverReplaced) {
  const std::string weights = write_weights("weights.safetensors"), before = read("weights.safetensors");
  std::filesystem::create_symlink("weights.safetensors", folder_ / "link.safetensors");
  for (const char* output : {"weights.safetensors", "link.safetensors", "./weights.safetensors"}) {
    const ProgramResult result = run_program("sunder-import", {weights, "--from", "torchaudio", "-o", at(output)});
    EXPECT_EQ(result.code, 2);
    expect_contains(result.err, {"expected another file than the input"});
  }
  EXPECT_EQ(read("weights.safetensors"), before);
  // A disk that is full keeps what stood there.
  write("model.safetensors", "before");
  const ProgramResult full = run_program(
      "sunder-import", {weights, "--from", "torchaudio", "-o", at("model.safetensors")}, {.file_bytes = 1000});
  EXPECT_EQ(full.code, 1);
  EXPECT_EQ(read("model.safetensors"), "before");
}

TEST_F(ImportTest, PyTorchsFilesGetTheLinesThatConvertThem) {
  const std::string zip(
      "PK\x03\x04\x00\x00\x08\x08"
      "archive/data.pkl",
      24),
      pickle("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46", 8);
  write_noise("x.wav", 8000, 1);
  for (const auto& [name, start] : {std::pair("model.pt", zip), {"model.ckpt", pickle}, {"pytorch_model.bin", zip}}) {
    write(name, start + std::string(1000, 'x'));
    const std::vector<std::vector<std::string>> commands = {
        {"sunder-import", at(name), "--from", "espnet", "-o", at("out.safetensors")},
        {"sunder-info", at(name)},
        {"sunder-separate", "--model", at(name), at("x.wav"), "-o", at("out")},
        {"sunder-evaluate", "--model", at(name), "--data", folder_.string(), "--split", "test"}};
    for (const auto& command : commands) {
      const ProgramResult result = run_program(command[0], {command.begin() + 1, command.end()});
      EXPECT_EQ(result.code, 4) << command[0] << result.err;
      expect_contains(result.err, {at(name) + ": expected a safetensors file, got one that PyTorch's torch.save wrote",
                                   "import torch", "save_file", "sunder-import"});
    }
  }
  EXPECT_FALSE(exists("out.safetensors"));
}

TEST_F(ImportTest, OwnModelsFitIntoHalfTheBytes) {
  const std::string model = write_model("own.safetensors");
  ASSERT_EQ(run_program("sunder-import", {model, "--from", "sunder", "-o", at("whole")}).code, 0);
  ASSERT_EQ(run_program("sunder-import", {model, "--from", "sunder", "--half", "-o", at("half")}).code, 0);
  const SafeTensors own = read_safetensors(model), wide = read_safetensors(at("whole")),
                    narrow = read_safetensors(at("half"));
  EXPECT_EQ(wide.metadata, own.metadata);
  EXPECT_EQ(narrow.metadata, own.metadata);
  for (const auto& [name, tensor] : own.tensors) {
    EXPECT_EQ(wide.tensors.at(name).to_vector<float>(), tensor.to_vector<float>());
    const std::vector<float> rounded = narrow.tensors.at(name).to_vector<float>();
    for (size_t i = 0; i < rounded.size(); ++i)
      EXPECT_NEAR(rounded[i], tensor.to_vector<float>()[i], 0x1p-11 * std::abs(rounded[i]) + 0x1p-25) << name;
  }
  const auto bytes = [&](const char* name) { return std::filesystem::file_size(folder_ / name); };
  EXPECT_LT(bytes("half"), bytes("whole"));
  EXPECT_EQ(run_program("sunder-import", {model, "--from", "sunder", "-o", model}).code, 2);
}

// The recipe in a run's model names folders of the machine that trained; and the run itself is never written to.
TEST_F(ImportTest, RunsBecomeOneFileWithoutTheirRecipe) {
  const std::string model = write_model("RUN/checkpoints/best/model.safetensors");
  SafeTensors file = read_safetensors(model);
  file.metadata["config"] = "[data]\nset = \"/home/somebody/set\"\n";
  write_safetensors(model, file.tensors, file.metadata);
  ASSERT_EQ(run_program("sunder-import", {at("RUN"), "--from", "sunder", "-o", at("model.safetensors")}).code, 0);
  EXPECT_EQ(read("model.safetensors").find("somebody"), std::string::npos);
  EXPECT_EQ(read_safetensors(at("model.safetensors")).metadata.at("architecture"), "stft-conv-tasnet");
  const std::string before = read("RUN/checkpoints/best/model.safetensors");
  const ProgramResult onto_itself = run_program("sunder-import", {at("RUN"), "--from", "sunder", "-o", model});
  EXPECT_EQ(onto_itself.code, 2);
  EXPECT_EQ(read("RUN/checkpoints/best/model.safetensors"), before);
}

TEST_F(ImportTest, HelpTeaches) {
  const ProgramResult help = run_program("sunder-import", {"--help"});
  EXPECT_EQ(help.code, 0);
  expect_contains(help.out, {"asteroid", "espnet", "merl", "torchaudio", "assumed", "--hop-length", "window_scale",
                             "remove_mean", "docs/import.md", "Examples:"});
}

}  // namespace
}  // namespace sunder
