#include "train/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "command/suggest.h"
#include "tensor/error.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

fs::path write_toml(const std::string& text) {
  const fs::path path = fs::temp_directory_path() / fmt::format("sunder-config-{}.toml", ::getpid());
  std::ofstream(path) << text;
  return path;
}

template <class E>
std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const UnknownName& error) {  // as a program says it
    return error.what() + suggest(error.name, error.known);
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

std::string load_refusal(const std::string& text) {
  const fs::path path = write_toml(text);
  Config config;
  const std::string message = refusal<UsageError>([&] { load_config(config, path); });
  fs::remove(path);
  EXPECT_EQ(message.rfind(path.string() + ": ", 0), 0u) << message;
  return message;
}

TEST(Config, DefaultsAreThePapers) {
  const Config c;
  EXPECT_EQ(c.optim.lr, 1e-3);
  EXPECT_EQ(c.optim.clip, 5);
  EXPECT_EQ(c.train.batch, 128);
  EXPECT_EQ(c.train.patience, 50);
  EXPECT_EQ(c.mixcycle.init_epochs, 50);
  Config copy = c;
  for (const Field& field : fields(copy)) {
    EXPECT_FALSE(field.help.empty()) << field.name;
    EXPECT_EQ(std::count(field.name.begin(), field.name.end(), '.'), 1) << field.name;
  }
}

TEST(Config, TomlRoundTripKeepsEveryBit) {
  Config c;
  c.data.set = "a \"quoted\" \\ path\n\x01";
  c.optim.lr = 0.1 + 0.2;
  c.optim.eps = 1e-29 / 3;
  c.optim.clip = 7;
  c.train.seed = (uint64_t{1} << 53) - 1;
  c.train.dynamic_mixing = true;
  c.validation.select = "blind";
  const Config read = parse_config(to_toml(c), "text");
  EXPECT_TRUE(compare(c, read).empty());
  EXPECT_EQ(read.optim.lr, 0.1 + 0.2);
  EXPECT_EQ(read.data.set, c.data.set);
  EXPECT_NE(to_toml(c).find("[optim]\nlr = 0.30000000000000004  # Adam's learning rate\n"), std::string::npos);
  EXPECT_NE(to_toml(c).find("\nclip = 7.0  #"), std::string::npos);
}

// Every field is its own: changing one changes one line of the file, and is seen by compare.
TEST(Config, EveryFieldIsWrittenComparedAndReadBack) {
  for (const std::string architecture : {"stft-conv-tasnet", "conv-tasnet", "tf-gridnet"}) {
    Config base;
    base.model.architecture = architecture;
    const size_t count = fields(base).size();
    for (size_t i = 0; i < count; ++i) {
      Config changed = base;
      const Field field = fields(changed)[i];
      if (field.name == "model.architecture") continue;  // changes the list itself
      if (auto* text = std::get_if<std::string*>(&field.value)) {
        if (field.choices.empty()) **text = "x";
        else **text = **text == field.choices.back() ? field.choices.front() : field.choices.back();
      } else if (auto* flag = std::get_if<bool*>(&field.value)) {
        set_config(changed, field.name, **flag ? "false" : "true", "test");
      } else {
        set_config(changed, field.name, field.high == 1 ? "0.25" : "7", "test");
      }
      const auto differences = compare(base, changed);
      ASSERT_EQ(differences.size(), 1u) << field.name;
      EXPECT_EQ(differences[0].key, field.name);
      EXPECT_EQ(differences[0].fixed, field.fixed);
      EXPECT_TRUE(compare(changed, parse_config(to_toml(changed), "text")).empty()) << field.name;
    }
  }
}

// One key may stand in several structs: they never part.
TEST(Config, SharedKeysAreSetEverywhere) {
  Config c;
  set_config(c, "model.n_fft", "256", "test");
  set_config(c, "model.architecture", "tf-gridnet", "test");
  EXPECT_NE(to_toml(c).find("\nn_fft = 256 "), std::string::npos);
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"fcp.xi", "0.5"}, {"fcp.loading", "0.25"}, {"fcp.far_past", "3"}})
    set_config(c, key, value, "test");
  EXPECT_EQ(c.m2m.fcp.xi, 0.5);
  EXPECT_EQ(c.unssor.fcp.xi, 0.5);
  EXPECT_EQ(c.m2m.fcp.close.loading, 0.25);
  EXPECT_EQ(c.unssor.fcp.far.loading, 0.25);
  EXPECT_EQ(c.unssor.fcp.far.past, 3);
}

TEST(Config, KeysOfAnotherArchitectureAreRefused) {
  Config c;
  const fs::path path = write_toml("[model]\nmicrophones = 6\n");
  load_config(c, path);
  EXPECT_EQ(refusal<UsageError>([&] { check_model_keys(c, path, {}); }),
            path.string() + ": 'model.microphones' is not a key of stft-conv-tasnet");
  EXPECT_EQ(refusal<UsageError>([&] { check_model_keys(c, {}, {"model.emb_dim=8"}); }),
            "--set: 'model.emb_dim' is not a key of stft-conv-tasnet");
  c.model.architecture = "tf-gridnet";
  EXPECT_NO_THROW(check_model_keys(c, path, {"model.emb_dim=8"}));
  setenv("SUNDER_MODEL_NUM_FEATS", "8", 1);
  EXPECT_EQ(refusal<UsageError>([&] { check_model_keys(c, {}, {}); }),
            "SUNDER_MODEL_NUM_FEATS: 'model.num_feats' is not a key of tf-gridnet");
  unsetenv("SUNDER_MODEL_NUM_FEATS");
  fs::remove(path);
}

// Runs of older versions resume; whoever writes the old name today is told the new one.
TEST(Config, OldNamesAreReadFromOldRunsAlone) {
  EXPECT_EQ(parse_config("[fcp]\nfloor = 0.5\n", "old").m2m.fcp.xi, 0.5);
  const fs::path path = write_toml("[fcp]\nfloor = 0.5\n");
  Config c;
  EXPECT_EQ(refusal<UsageError>([&] { load_config(c, path); }),
            path.string() + ": 'fcp.floor' was renamed to 'fcp.xi'");
  load_config(c, path, Names::also_former);
  EXPECT_EQ(c.m2m.fcp.xi, 0.5);
  fs::remove(path);
  EXPECT_EQ(refusal<UsageError>([&] { set_config(c, "fcp.floor=1", "--set"); }),
            "--set fcp.floor: 'fcp.floor' was renamed to 'fcp.xi'");
  setenv("SUNDER_FCP_FLOOR", "1", 1);
  EXPECT_EQ(refusal<UsageError>([&] { load_config_environment(c); }), "SUNDER_FCP_FLOOR: was renamed to SUNDER_FCP_XI");
  unsetenv("SUNDER_FCP_FLOOR");
}

TEST(Config, ReadsRecipes) {
  const fs::path path =
      write_toml("[optim]\nlr = 1  # a whole number for a fraction\n[train]\nbatch = 16\n[data]\nset='S'\n");
  Config c;
  load_config(c, path);
  fs::remove(path);
  EXPECT_EQ(c.optim.lr, 1.0);
  EXPECT_EQ(c.train.batch, 16);
  EXPECT_EQ(c.data.set, "S");
  EXPECT_EQ(c.optim.beta1, 0.9);
}

TEST(Config, RefusesUnknownKeysWithTheNearestOne) {
  EXPECT_NE(load_refusal("[optim]\nlearning_rte = 1").find("unknown key 'optim.learning_rte'"), std::string::npos);
  EXPECT_NE(load_refusal("[optim]\nbta1 = 0.5").find("unknown key 'optim.bta1', did you mean 'optim.beta1'?"),
            std::string::npos);
  EXPECT_NE(load_refusal("[trian]\nbatch = 1").find("unknown key 'trian.batch', did you mean 'train.batch'?"),
            std::string::npos);
  EXPECT_NE(load_refusal("batch = 1").find("unknown key 'batch', did you mean 'train.batch'?"), std::string::npos);
  Config c;
  EXPECT_EQ(refusal<UsageError>([&] { set_config(c, "zzzzzzzzzz", "1", "--set zzzzzzzzzz"); }),
            "--set zzzzzzzzzz: unknown key 'zzzzzzzzzz'");
}

TEST(Config, RefusesWrongTypesAndRanges) {
  const std::pair<const char*, const char*> cases[] = {
      {"[train]\nbatch = 1.5", "train.batch: expected a whole number of at least 1, got '1.5'"},
      {"[train]\nbatch = '8'", "train.batch: expected a whole number of at least 1, got '"},
      {"[train]\nbatch = 0", "expected a whole number of at least 1, got '0'"},
      {"[train]\nseed = -1", "expected a whole number of at least 0, got '-1'"},
      {"[train]\nthreads = 99999999999", "expected a whole number from 0 to 4096, got '99999999999'"},
      {"[optim]\nlr = nan", "optim.lr: expected a number from 0 to 1000000, got 'nan'"},
      {"[optim]\nclip = inf", "optim.clip: expected a number of at least 0, got 'inf'"},
      {"[optim]\nbeta1 = 1.1", "expected a number from 0 to below 1, got '1.1'"},
      {"[optim]\nbeta1 = 1", "optim.beta1: expected a number from 0 to below 1, got '1'"},
      {"[optim]\nbeta2 = 1.0", "optim.beta2: expected a number from 0 to below 1, got '1'"},
      {"[optim]\neps = 0", "optim.eps: expected a number from 1e-30 to 1, got '0'"},
      {"[data]\nsegment_seconds = 1e300", "data.segment_seconds: expected a number from 0 to 3600, got '1e+300'"},
      {"[train]\nmax_minutes = 1e300", "train.max_minutes: expected a number of at least 0, got '1e+300'"},
      {"[validation]\nevery_minutes = 1e10", "expected a number of at least 0, got '10000000000'"},
      {"[model]\nn_fft = 1048576", "model.n_fft: expected a whole number from 2 to 65536, got '1048576'"},
      {"[optim]\nlr = [1]", "optim.lr: expected a number"},
      {"[train]\ndynamic_mixing = 1", "expected true or false, got '1'"},
      {"[train]\ndevice = 3", "train.device: expected a string, got '3'"},
      {"[train]\nprecision = 'fp8'", "train.precision: expected one of fp64, fp32, tf32, bf16, got 'fp8'"},
  };
  for (const auto& [toml, message] : cases)
    EXPECT_NE(load_refusal(toml).find(message), std::string::npos) << load_refusal(toml);
}

// Whatever number a key accepts, its extremes and their neighbours included, is one that arithmetic survives.
TEST(Config, EveryNumberHasARange) {
  Config c;
  for (const Field& field : fields(c)) {
    if (std::holds_alternative<std::string*>(field.value) || std::holds_alternative<bool*>(field.value)) continue;
    for (const char* wrong : {"nan", "inf", "-inf", "-1e300", "-1"})
      EXPECT_THROW(set_config(c, field.name, wrong, "test"), UsageError) << field.name << " = " << wrong;
    if (field.name == "optim.clip") continue;  // only compared
    for (const char* wrong : {"1e300", "1e17"})
      EXPECT_THROW(set_config(c, field.name, wrong, "test"), UsageError) << field.name << " = " << wrong;
  }
}

TEST(Config, BrokenOrMissingFilesAreInputErrors) {
  const fs::path path = write_toml("[optim]\nlr = = 1\n");
  Config c;
  EXPECT_NE(refusal<InputError>([&] { load_config(c, path); }).find(path.string() + ": not valid TOML at line 2"),
            std::string::npos);
  fs::remove(path);
  EXPECT_EQ(refusal<InputError>([&] { load_config(c, path); }),
            path.string() + ": no such file");
  EXPECT_NE(refusal<InputError>([&] { load_config(c, fs::temp_directory_path()); }), "");
  EXPECT_NE(refusal<InputError>([&] { parse_config("[train]\nbatch = 1\nbatch = 2\n", "model"); }), "");
}

TEST(Config, EnvironmentSetsKeys) {
  setenv("SUNDER_OPTIM_LR", "0.25", 1);
  setenv("SUNDER_TRAIN_BATCH", "", 1);
  Config c;
  load_config_environment(c);
  EXPECT_EQ(c.optim.lr, 0.25);
  EXPECT_EQ(c.train.batch, 128);
  setenv("SUNDER_OPTIM_LR", "fast", 1);
  EXPECT_EQ(refusal<UsageError>([&] { load_config_environment(c); }),
            "SUNDER_OPTIM_LR: expected a number from 0 to 1000000, got 'fast'");
  unsetenv("SUNDER_OPTIM_LR");
  unsetenv("SUNDER_TRAIN_BATCH");
}

TEST(Config, ResumingKeepsWhatTheRunDependsOn) {
  Config saved, wanted;
  wanted.train.max_epochs = 10;
  wanted.data.set = "moved";
  EXPECT_NO_THROW(check_resumable(saved, wanted, "RUN"));
  wanted.optim.lr = 0.5;
  wanted.train.seed = 7;
  EXPECT_EQ(refusal<ModelError>([&] { check_resumable(saved, wanted, "RUN"); }),
            "RUN: the run was started with optim.lr = 0.001 (now 0.5), train.seed = 0 (now 7); "
            "a resumed run cannot change it");
}

}  // namespace
}  // namespace sunder
