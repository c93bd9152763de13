// sunder-compare: runs beside each other.
#include "tests/programs/training_fixture.h"

namespace sunder {
namespace {

class CompareTest : public TrainingTest {
 protected:
  void SetUp() override {
    TrainingTest::SetUp();
    write_corpus("corpus", {{"train", 4}, {"valid", 2}, {"test", 2}});
    ASSERT_EQ(prepare("set", 16).code, 0);
  }
};

TEST_F(CompareTest, ShowsScoresDifferencesAndCurves) {
  ASSERT_EQ(train("pit", "set", "a", {"--max-epochs", "3"}).code, 0);
  ASSERT_EQ(train("pit", "set", "b", {"--max-epochs", "2", "--set", "optim.lr=0.01"}).code, 0);
  for (const std::string name : {"curves.png", "curves.svg"}) {
    const ProgramResult result = run_program(
        "sunder-compare", {at("a"), at("b") + "/", "-o", at(name), "--x", name == "curves.png" ? "epochs" : "minutes"});
    ASSERT_EQ(result.code, 0) << result.err;
    // Best and last scores are those of metrics.jsonl.
    for (const std::string run : {"a", "b"}) {
      double best = -INFINITY, last = 0;
      int64_t step = 0, best_step = 0;
      for (const auto& row : metrics(run)) {
        if (!row.contains("valid_si_snri")) continue;
        last = row["valid_si_snri"].get<double>();
        step = row["step"].get<int64_t>();
        if (last > best) best = last, best_step = step;
      }
      EXPECT_NE(result.out.find(fmt::format("| {} | pit | {} | {} |", run, run == "a" ? 3 : 2, step)),
                std::string::npos)
          << result.out;
      EXPECT_NE(result.out.find(fmt::format("| {:.2f} | {} | {:.2f} |", best, best_step, last)), std::string::npos)
          << result.out;
    }
    expect_contains(result.out, {"best SI-SNRi (dB)", "| setting | a | b |", "| optim.lr | 0.001 | 0.01 |",
                                 "| train.max_epochs | 3 | 2 |"});
    const std::string picture = read(name);
    if (name == "curves.png") EXPECT_EQ(picture.substr(1, 3), "PNG");
    else expect_contains(picture, {"<svg", "</svg>"});
  }
}

TEST_F(CompareTest, BadInputIsNamedAndWritesNothing) {
  ASSERT_EQ(train("pit", "set", "a", {"--max-epochs", "1"}).code, 0);
  const auto refused = [&](const std::vector<std::string>& arguments, int code, const std::vector<std::string>& parts) {
    const ProgramResult result = run_program("sunder-compare", arguments);
    EXPECT_EQ(result.code, code) << result.err;
    expect_contains(result.err, parts);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "x.png"));
  };
  refused({at("a"), at("set"), "-o", at("x.png")}, 3,
          {at("set") + ": expected a run folder with config.toml, found none"});
  refused({at("a"), "-o", at("x.pdf")}, 2, {"--output: expected a name that ends with .png or .svg"});
  refused(std::vector<std::string>(11, at("a")), 2, {"runs: expected at most 10, got 11"});
  std::filesystem::create_directory(folder_ / "begun");
  write("begun/config.toml", read("a/config.toml"));
  write("begun/metrics.jsonl", "{\"step\":1,\"loss\":2}\n");
  refused({at("begun"), "-o", at("x.png")}, 3, {"begun/metrics.jsonl: expected at least one validation, found none"});
}

}  // namespace
}  // namespace sunder
