// Models that come with Sunder: the default one, and by name.
#include <nlohmann/json.hpp>

#include "tests/programs/model_fixture.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class ShippedModels : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    if (IsSkipped()) return;
    write_noise("mix.wav", 8000, 3);
  }

  // A copy of the program in the scratch folder, where no models are near. `flags` come last.
  ProgramResult separate_at(const std::string& bin, const std::string& flags, const std::string& variable = "") const {
    fs::create_directories(folder_ / bin);
    fs::copy_file(program_folder + "/sunder-separate", folder_ / bin / "sunder-separate",
                  fs::copy_options::skip_existing);
    return run_program("", {},
                       {.environment = {{"SUNDER_MODELS", variable}},
                        .folder = folder_,
                        .shell = "'" + bin + "/sunder-separate' mix.wav -o out --no-pictures --force " + flags});
  }
  // What it wrote is what this model makes.
  void expect_separated_by(const std::string& model) const {
    const std::string written = read("out/mix_s1.wav");
    const ProgramResult result = run_program(
        "sunder-separate", {"--model", at(model), at("mix.wav"), "-o", at("expected"), "--no-pictures", "--force"});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err.find("model "), std::string::npos) << result.err;
    EXPECT_TRUE(written == read("expected/mix_s1.wav"));
  }
};

TEST_F(ShippedModels, TheDefaultOneIsFoundFromTheProgram) {
  fs::create_directories(folder_ / "a b/share/sunder/models");
  write_model("a b/share/sunder/models/speech-8k.safetensors");
  const ProgramResult result = separate_at("a b/bin", "--report report.json");
  EXPECT_EQ(result.code, 0) << result.err;
  const std::string file = at("a b/share/sunder/models/speech-8k.safetensors");
  expect_contains(result.err, {"model " + file + "\n"});
  EXPECT_EQ(nlohmann::json::parse(read("report.json"))["model"], file);
  expect_separated_by("a b/share/sunder/models/speech-8k.safetensors");
}

TEST_F(ShippedModels, TheVariablesFolderComesFirst) {
  fs::create_directories(folder_ / "share/sunder/models");
  fs::create_directories(folder_ / "own");
  write_model("share/sunder/models/speech-8k.safetensors", 2);
  write_model("own/speech-8k.safetensors", 3);
  write("own/speech-8k.md", "# A card");
  const ProgramResult result = separate_at("bin", "", at("own"));
  EXPECT_EQ(result.code, 0) << result.err;
  expect_contains(result.err,
                  {"model " + at("own/speech-8k.safetensors") + ", described in " + at("own/speech-8k.md")});
  EXPECT_TRUE(exists("out/mix_s3.wav"));
  expect_separated_by("own/speech-8k.safetensors");
  EXPECT_EQ(separate_at("bin", "", at("nowhere")).code, 0) << "the next folder has one";
}

TEST_F(ShippedModels, ABuildUsesThoseOfItsSources) {
  fs::create_directories(folder_ / "source/models");
  write_model("source/models/speech-8k.safetensors");
  EXPECT_EQ(separate_at("source/build/release/bin", "").code, 2) << "no build: somebody's folder called models";
  write("source/build/release/CMakeCache.txt", "");
  const ProgramResult result = separate_at("source/build/release/bin", "");
  EXPECT_EQ(result.code, 0) << result.err;
  expect_contains(result.err, {"model " + at("source/models/speech-8k.safetensors")});
}

TEST_F(ShippedModels, NamesMeanThemUnlessThereIsAFile) {
  fs::create_directories(folder_ / "models");
  write_model("models/three.safetensors", 3);
  for (const char* name : {"three", "three.safetensors"}) {
    const ProgramResult result = separate_at("bin", "--model " + std::string(name), at("models"));
    EXPECT_EQ(result.code, 0) << result.err;
    expect_separated_by("models/three.safetensors");
  }
  const ProgramSetup setup{.environment = {{"SUNDER_MODELS", at("models")}}, .folder = folder_};
  const ProgramResult info = run_program("sunder-info", {"three"}, setup);
  EXPECT_EQ(info.err, "") << "the variable is not a misspelt flag";
  expect_contains(info.out, {at("models/three.safetensors"), "sources        3"});
  const ProgramResult evaluated = run_program("sunder-evaluate", {"--model", "three", "--data", "none"}, setup);
  expect_contains(evaluated.err, {"model " + at("models/three.safetensors")});

  write_model("three", 2);
  const ProgramResult own = separate_at("bin", "--model three", at("models"));
  EXPECT_EQ(own.code, 0) << own.err;
  expect_separated_by("three");
}

TEST_F(ShippedModels, WhereTheyWereLookedForIsSaid) {
  const std::string places = at("own") + " or " + at("share/sunder/models");
  const ProgramResult none = separate_at("bin", "", at("own"));
  EXPECT_EQ(none.code, 2);
  expect_contains(none.err, {"--model is required, as no speech-8k.safetensors is in " + places + ": give "});
  const ProgramResult unknown = separate_at("bin", "--model speech", at("own"));
  EXPECT_EQ(unknown.code, 4);
  expect_contains(unknown.err, {"speech: no such file or folder, and no model of this name in " + places});
  const ProgramResult path = separate_at("bin", "--model own/speech-8k", at("own"));
  EXPECT_EQ(path.code, 4) << "a path is a path";
  EXPECT_FALSE(exists("out"));
  EXPECT_EQ(separate_at("bin", "", "").err.find("share/sunder/models or"), std::string::npos);
}

TEST_F(ShippedModels, TheBuildNamesTheDefault) {
  fs::create_directories(folder_ / "models");
  write_model("models/speech-8k.safetensors");
  const ProgramResult info = run_program("sunder-info", {}, {.environment = {{"SUNDER_MODELS", at("models")}}});
  expect_contains(info.out, {"default model  " + at("models/speech-8k.safetensors")});
  expect_contains(run_program("sunder-separate", {"--help"}).out,
                  {"Without --model it uses speech-8k", "SUNDER_MODELS"});
}

}  // namespace
}  // namespace sunder
