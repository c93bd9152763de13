// Files that are almost right, given to the programs: each ends in time with a documented exit code, and under a
// sanitizer (scripts/nightly.sh) without a report.
#include "tests/faults/runs.h"
#include "tests/fuzz/mutation.h"

namespace sunder::faults {
namespace {

namespace fs = std::filesystem;

class Hostile : public DisturbedRuns {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    // A sanitizer's report must not look like exit code 1.
    setenv("ASAN_OPTIONS", "exitcode=99:hard_rss_limit_mb=4000", 1);
    setenv("UBSAN_OPTIONS", "exitcode=99:print_stacktrace=1", 1);
    ASSERT_EQ(prepare("set", 4, 2).code, 0);
    ASSERT_EQ(train("pit", "set", "begun", {"--max-epochs", "1"}).code, 0);
    write_wav(folder_ / "voices.wav", synthetic_voice(1, 0, 2000, rate), rate);
  }

  static Bytes bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::vector<fs::path> files_of(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

  // Writes mutations of the seeds to `place(seed)` and runs one of the commands on each, in turn.
  void run_mutations(const std::string& what, const std::vector<fs::path>& seeds,
                     const std::function<fs::path(const fs::path& seed)>& place,
                     const std::function<std::vector<Command>(const fs::path& file)>& commands) {
    std::vector<Bytes> valid;
    for (const fs::path& seed : seeds) valid.push_back(bytes_of(seed));
    const int64_t mutations = size_of_campaign("MUTATIONS", 2);
    Count count("mutations", what, static_cast<size_t>(mutations));
    for (int64_t i = 0; i < mutations; ++i) {
      std::mt19937_64 random_bits(i);
      const size_t seed = random_bits() % seeds.size();
      Bytes bytes = valid[seed];
      mutate(bytes, valid, random_bits);
      const fs::path file = place(seeds[seed]);
      write(file.lexically_relative(folder_), std::string(bytes.begin(), bytes.end()));
      const std::vector<Command> all = commands(file);
      const Command& command = all[static_cast<size_t>(i) % all.size()];
      const std::string wrong = wrong_of(command);
      count.tried(fmt::format("mutation {} of {}, {}", i, seeds[seed].filename().string(), command.program), wrong);
      if (!wrong.empty()) keep(file, what, i);
    }
  }

  std::string wrong_of(const Command& command) const {
    Background program(command.program, command.arguments, folder_ / "said.txt");
    for (int i = 0; i < 30000 && program.running(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (program.running()) return "still runs after a minute: " + program.said();
    const int code = program.wait();
    const std::string said = program.said();
    if (is_documented(code) && said.find("Sanitizer") == std::string::npos &&
        said.find("runtime error") == std::string::npos)
      return code != 0 && said.empty() ? fmt::format("exit code {} without a word", code) : "";
    return fmt::format("exit code {}: {}", code, said);
  }

  static void keep(const fs::path& file, const std::string& what, int64_t number) {
    const char* folder = std::getenv("FINDINGS");
    if (!folder || !*folder) return;
    fs::create_directories(folder);
    fs::copy_file(file, fs::path(folder) / fmt::format("{}-{}-{}", what, number, file.filename().string()),
                  fs::copy_options::overwrite_existing);
  }

  // A fresh copy of `name` called work, of which `file` is to be mutated.
  fs::path in_copy(const std::string& name, const fs::path& file) const {
    fs::remove_all(folder_ / "work");
    fs::copy(folder_ / name, folder_ / "work", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    return folder_ / "work" / file;
  }
};

TEST_F(Hostile, Recordings) {
  fs::create_directories(folder_ / "references");
  write_wav(folder_ / "references/x.wav", synthetic_voice(1, 0, 2000, rate), rate);
  run_mutations(
      "recordings", files_of(source_folder + "/tests/fuzz/corpus/audio"),
      [&](const fs::path& seed) {
        fs::remove_all(folder_ / "estimates");
        return folder_ / "estimates" / fmt::format("x{}", seed.extension().string());
      },
      [&](const fs::path& file) {
        return std::vector<Command>{
            {"sunder-info", {file.string()}},
            {"sunder-separate", {"--model", at("begun"), file.string(), "-o", at("out"), "--threads", "1", "--force"}},
            {"sunder-evaluate",
             {"--references", at("references"), "--estimates", at("estimates"), "--align", "pad", "--threads", "1"}}};
      });
}

TEST_F(Hostile, Models) {
  run_mutations(
      "models", {folder_ / "begun/checkpoints/last/model.safetensors"},
      [&](const fs::path&) { return folder_ / "model.safetensors"; },
      [&](const fs::path& file) {
        return std::vector<Command>{
            {"sunder-info", {file.string()}},
            {"sunder-separate",
             {"--model", file.string(), at("voices.wav"), "-o", at("out"), "--threads", "1", "--force"}}};
      });
}

TEST_F(Hostile, Sets) {
  run_mutations(
      "sets", {folder_ / "set/set.toml", folder_ / "set/test.csv"},
      [&](const fs::path& seed) { return in_copy("set", seed.filename()); },
      [&](const fs::path&) {
        return std::vector<Command>{
            {"sunder-info", {at("work")}},
            {"sunder-prepare", {"audio", "--set", at("work"), "--output", at("sound"), "--threads", "1", "--force"}},
            {"sunder-evaluate", {"--model", at("begun"), "--data", at("work"), "--threads", "1"}}};
      });
}

TEST_F(Hostile, TreesOfSeveralMicrophones) {
  if (size_of_campaign("MUTATIONS", 0) == 0) GTEST_SKIP() << "a part of scripts/nightly.sh --only hostile";
  make_tree();
  run_mutations(
      "sms_wsj.json", {folder_ / "tree/sms_wsj.json"},
      [&](const fs::path& seed) { return in_copy("tree", seed.filename()); },
      [&](const fs::path&) {
        return std::vector<Command>{{"sunder-info", {at("work")}}};
      });
}

TEST_F(Hostile, Recipes) {
  std::vector<fs::path> recipes = files_of(source_folder + "/recipes/sc09mix");
  recipes.push_back(folder_ / "begun/config.toml");
  run_mutations(
      "recipes", recipes, [&](const fs::path&) { return folder_ / "recipe.toml"; },
      [&](const fs::path& file) {
        return std::vector<Command>{{"sunder-train-pit", {"--config", file.string(), "--print-config"}}};
      });
}

TEST_F(Hostile, Checkpoints) {
  std::vector<fs::path> files;
  for (const char* name : {"state.json", "manifest.json"}) files.push_back(folder_ / "begun/checkpoints/last" / name);
  run_mutations(
      "checkpoints", files,
      [&](const fs::path& seed) { return in_copy("begun", "checkpoints/last" / seed.filename()); },
      [&](const fs::path&) {
        return std::vector<Command>{{"sunder-info", {at("work")}},
                                    {"sunder-train-pit", {"--output", at("work"), "--resume", "auto"}}};
      });
}

}  // namespace
}  // namespace sunder::faults
