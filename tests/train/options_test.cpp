#include "train/options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "command/suggest.h"
#include "tensor/error.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

RunOptions parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "sunder-train-mixcycle");
  return parse_run_options(find_method("mixcycle"), static_cast<int>(arguments.size()), arguments.data());
}

std::string refusal(const std::vector<const char*>& arguments) {
  try {
    parse(arguments);
  } catch (const UnknownName& error) {  // as a program says it
    return error.what() + suggest(error.name, error.known);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

class OptionsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("sunder-options-{}", ::getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override {
    fs::remove_all(folder_);
    for (const char* name :
         {"SUNDER_SEED", "SUNDER_TRAIN_SEED", "SUNDER_OPTIM_LR", "SUNDER_OUTPUT", "SUNDER_DATA", "SUNDER_ON_THE_FLY"})
      unsetenv(name);
  }
  std::string recipe(const std::string& text) const {
    std::ofstream(folder_ / "recipe.toml") << text;
    return (folder_ / "recipe.toml").string();
  }

  fs::path folder_;
};

TEST_F(OptionsTest, TheDocumentedLineWorks) {
  const std::string path = recipe("[train]\nbatch = 16\n");
  const RunOptions options =
      parse({"--config", path.c_str(), "--data", "/sets/SET", "--output", "RUN", "--device", "cpu", "--threads", "2",
             "--seed", "7", "--max-epochs", "20", "--max-minutes", "5", "--set", "optim.lr=1e-4"});
  EXPECT_EQ(options.output, "RUN");
  EXPECT_EQ(options.resume, "none");
  EXPECT_EQ(options.config.data.set, "/sets/SET");
  EXPECT_EQ(options.config.train.threads, 2);
  EXPECT_EQ(options.config.train.seed, 7u);
  EXPECT_EQ(options.config.train.max_epochs, 20);
  EXPECT_EQ(options.config.train.max_minutes, 5.0);
  EXPECT_EQ(options.config.train.batch, 16);
  EXPECT_EQ(options.config.optim.lr, 1e-4);
}

TEST_F(OptionsTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const std::string path = recipe("[train]\nseed = 1\n[optim]\nlr = 0.1\n");
  const std::vector<const char*> base = {"--data", "S", "--output", "R", "--config", path.c_str()};
  const auto with = [&](std::vector<const char*> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return parse(more).config;
  };
  EXPECT_EQ(parse({"--data", "S", "--output", "R"}).config.train.seed, 0u);
  EXPECT_EQ(with({}).train.seed, 1u);
  setenv("SUNDER_TRAIN_SEED", "2", 1);
  EXPECT_EQ(with({}).train.seed, 2u);
  setenv("SUNDER_SEED", "3", 1);
  EXPECT_EQ(with({}).train.seed, 3u);
  EXPECT_EQ(with({"--set", "train.seed=4"}).train.seed, 4u);
  EXPECT_EQ(with({"--set", "train.seed=4", "--seed", "5"}).train.seed, 5u);
  setenv("SUNDER_OPTIM_LR", "0.2", 1);
  EXPECT_EQ(with({}).optim.lr, 0.2);
  EXPECT_EQ(with({"--set", "optim.lr=0.3", "--set", "train.batch=2"}).optim.lr, 0.3);
}

TEST_F(OptionsTest, NewRoomsHaveAFlag) {
  const std::vector<const char*> base = {"--data", "S", "--output", "R"};
  EXPECT_FALSE(parse(base).config.data.on_the_fly);
  EXPECT_TRUE(parse({"--data", "S", "--output", "R", "--on-the-fly"}).config.data.on_the_fly);
  setenv("SUNDER_ON_THE_FLY", "true", 1);
  EXPECT_TRUE(parse(base).config.data.on_the_fly);
  EXPECT_FALSE(parse({"--data", "S", "--output", "R", "--set", "data.on_the_fly=false"}).config.data.on_the_fly);
}

TEST_F(OptionsTest, ChangedDataIsForOneStartAlone) {
  const std::vector<const char*> base = {"--data", "S", "--output", "R"};
  EXPECT_FALSE(parse(base).changed_data);
  const RunOptions options = parse({"--data", "S", "--output", "R", "--changed-data"});
  EXPECT_TRUE(options.changed_data);
  EXPECT_EQ(to_toml(options.config).find("changed"), std::string::npos) << "a later start must say it again";
  setenv("SUNDER_CHANGED_DATA", "true", 1);
  EXPECT_TRUE(parse(base).changed_data);
  setenv("SUNDER_CHANGED_DATA", "yes", 1);
  EXPECT_EQ(refusal({"--data", "S", "--output", "R"}), "SUNDER_CHANGED_DATA: expected true or false, got 'yes'");
  unsetenv("SUNDER_CHANGED_DATA");
}

TEST_F(OptionsTest, ResumeReadsTheRunFoldersConfig) {
  Config config;
  config.data.set = "/sets/SET";
  config.train.batch = 24;
  fs::create_directories(folder_ / "checkpoints" / "step-00000010");
  std::ofstream(folder_ / "config.toml") << to_toml(config);
  const RunOptions options = parse({"--output", folder_.c_str(), "--resume", "auto", "--max-epochs", "9"});
  EXPECT_EQ(options.resume, "auto");
  EXPECT_EQ(options.config.data.set, "/sets/SET");
  EXPECT_EQ(options.config.train.batch, 24);
  EXPECT_EQ(options.config.train.max_epochs, 9);
  const std::string checkpoint = (folder_ / "checkpoints" / "step-00000010").string();
  EXPECT_EQ(parse({"--output", "NEW", "--resume", checkpoint.c_str()}).config.train.batch, 24);
  EXPECT_EQ(refusal({"--output", "NOWHERE", "--resume", "auto"}),
            "NOWHERE: nothing to resume, and no --data to start with");
}

TEST_F(OptionsTest, RelativeDataBecomesAbsolute) {
  EXPECT_EQ(parse({"--data", "sets/../SET", "--output", "R"}).config.data.set, (fs::current_path() / "SET").string());
}

TEST_F(OptionsTest, EnvironmentStandsForFlags) {
  setenv("SUNDER_OUTPUT", "FROM_ENVIRONMENT", 1);
  setenv("SUNDER_DATA", "/SET", 1);
  EXPECT_EQ(parse({}).output, "FROM_ENVIRONMENT");
  EXPECT_EQ(parse({}).config.data.set, "/SET");
  EXPECT_EQ(parse({"--output", "FLAG"}).output, "FLAG");
}

TEST_F(OptionsTest, RefusesWhatIsWrong) {
  EXPECT_EQ(refusal({"--bacth", "3"}), "unknown flag '--bacth', did you mean '--batch'?");
  EXPECT_EQ(refusal({"--maxepochs=3"}), "unknown flag '--maxepochs', did you mean '--max-epochs'?");
  EXPECT_EQ(refusal({"stray"}), "unexpected argument 'stray'");
  EXPECT_EQ(refusal({"--data", "S", "--output", "R", "--batch", "0"}),
            "--batch: expected a whole number of at least 1, got '0'");
  EXPECT_EQ(refusal({"--data", "S", "--output", "R", "--set", "optim.lr"}),
            "--set: expected key=value, got 'optim.lr'");
  EXPECT_EQ(refusal({"--data", "S", "--output", "R", "--set", "optim.rl=1"}),
            "--set optim.rl: unknown key 'optim.rl', did you mean 'optim.lr'?");
  EXPECT_NE(refusal({"--data", "S", "--output"}), "");
  EXPECT_EQ(refusal({"--output", "R"}), "--data is required: the mixture set or the recordings to train on");
  EXPECT_EQ(refusal({"--data", "S"}), "--output is required: the folder that the run is written to");
  EXPECT_THROW(parse({"--config", "none.toml", "--data", "S", "--output", "R"}), InputError);
}

TEST_F(OptionsTest, HelpTeaches) {
  try {
    parse({"--help"});
    FAIL();
  } catch (const HelpRequested& help) {
    for (const char* part : {"--max-minutes", "sunder-train-mixcycle --output RUN --resume auto", "75 stopped",
                             "5 diverged", "recipes/sc09mix/mixcycle.toml", "SUNDER_OPTIM_LR"})
      EXPECT_NE(help.text.find(part), std::string::npos) << part << "\n" << help.text;
  }
  EXPECT_THROW(parse({"--version"}), HelpRequested);
  try {
    parse({"--print-config", "--batch", "9"});
    FAIL();
  } catch (const HelpRequested& help) {
    EXPECT_EQ(parse_config(help.text, "help").train.batch, 9);
  }
}

}  // namespace
}  // namespace sunder
