// Programs that replace results of an earlier run, in folder work.
#pragma once

#include "tests/faults/runs.h"

namespace sunder::faults {

class ReplacedResults : public DisturbedRuns {
 protected:
  std::filesystem::path work() const { return folder_ / "work"; }

  // Puts a folder's content in place, whatever a run left.
  void restore(const std::string& from) const {
    std::filesystem::remove_all(work());
    std::filesystem::copy(folder_ / from, work(),
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  }

  // Makes an old result in folder `old`.
  void make_old(const std::string& old, const Command& command) const {
    std::filesystem::remove_all(work());
    std::filesystem::create_directories(work());
    const ProgramResult made = run_program(command.program, command.arguments);
    ASSERT_EQ(made.code, 0) << made.err;
    std::filesystem::rename(work(), folder_ / old);
  }

  // The results before and after a run that nothing disturbs, twice to see that they are always the same.
  struct Results {
    Snapshot before, after;
  };
  void make_results(const Command& command, const std::string& old, Results& results) const {
    for (int i = 0; i < 2; ++i) {
      restore(old);
      results.before = snapshot(work());
      const ProgramResult run = run_program(command.program, command.arguments);
      ASSERT_EQ(run.code, 0) << run.err;
      const Snapshot after = snapshot(work());
      ASSERT_NE(difference(results.before, after), "");
      if (i > 0) {
        ASSERT_EQ(difference(results.after, after), "") << "two runs differ";
      }
      results.after = after;
    }
  }

  // Without hidden names that only a disturbed run leaves, for the next.
  static Snapshot visible(Snapshot found, const Results& results) {
    std::erase_if(found, [&](const auto& entry) {
      const std::string& name = entry.first;
      return (name[0] == '.' || name.find("/.") != std::string::npos) && !results.before.contains(name) &&
             !results.after.contains(name);
    });
    return found;
  }

  // Whether the results are whole: each file as before or as it should become; where they are `one` set, all alike.
  static std::string broken(const Results& results, const Snapshot& found, bool one) {
    const std::string not_new = difference(results.after, found);
    if (not_new.empty()) return "";
    const std::string not_old = difference(results.before, found);
    if (not_old.empty()) return "";
    if (one) return fmt::format("neither the old result ({}) nor the new one ({})", not_old, not_new);
    const auto same = [&](const Snapshot& expected, const std::string& name) {
      const auto a = expected.find(name), b = found.find(name);
      return a == expected.end() ? b == found.end() : b != found.end() && a->second == b->second;
    };
    for (const Snapshot* names : {&results.before, &results.after, &found})
      for (const auto& [name, bytes] : *names)
        if (!same(results.before, name) && !same(results.after, name)) return name + " is neither old nor new";
    return "";
  }

  // After a disturbed run: "" where the same command then ends with the new results and nothing else. The first run may
  // have come so far that they have to be replaced.
  std::string not_mended(const Command& command, const Results& results) const {
    std::vector<std::string> words = command.arguments;
    if (command.program == "sunder-prepare" && std::find(words.begin(), words.end(), "--force") == words.end())
      words.push_back("--force");
    const ProgramResult again = run_program(command.program, words);
    if (again.code != 0) return fmt::format("the next run fails with {}: {}", again.code, again.err);
    const std::string text = difference(results.after, snapshot(work()));
    return text.empty() ? "" : "after the next run " + text;
  }

  Command prepare_words(const std::string& seed) const {
    return {"sunder-prepare",
            {"sc09mix", "--corpus", at("corpus"), "--output", at("work/set"), "--train", "2", "--valid", "1", "--test",
             "1", "--seconds", "0.25", "--threads", "1", "--write-audio", "--force", "--seed", seed}};
  }

  // Two models, model1 and model2, whose results differ, and two recordings.
  void make_models() const {
    ASSERT_EQ(prepare("set", 4, 2).code, 0);
    for (const std::string seed : {"1", "2"}) {
      const ProgramResult trained = train("pit", "set", "model" + seed, {"--max-epochs", "1", "--seed", seed});
      ASSERT_EQ(trained.code, 0) << trained.err;
    }
    write_wav(folder_ / "a.wav", synthetic_voice(1, 0, 2000, rate), rate);
    write_wav(folder_ / "b.wav", synthetic_voice(2, 0, 2000, rate), rate);
  }
  Command separate(const std::string& model) const {
    return {"sunder-separate",
            {"--model", at(model), at("a.wav"), at("b.wav"), "-o", at("work"), "--threads", "1", "--force"}};
  }
  Command evaluate(const std::string& model) const {
    return {
        "sunder-evaluate",
        {"--model", at(model), "--data", at("set"), "--split", "test", "--threads", "1", "--csv", at("work/items.csv"),
         "--json", at("work/all.json"), "--results", at("work/results.md"), "--html", at("work/report.html")}};
  }
};

}  // namespace sunder::faults
