#include "train/report.h"

#include <nlohmann/json.hpp>

#include "report/chart.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class ReportTest : public ScratchFolder {
 protected:
  std::vector<nlohmann::json> rows() const {
    std::vector<nlohmann::json> result;
    std::ifstream file(folder_ / "metrics.jsonl");
    for (std::string line; std::getline(file, line);) result.push_back(nlohmann::json::parse(line));
    return result;
  }
};

TEST_F(ReportTest, WritesEveryNumberTwiceAndDrawsTheCurves) {
  const RunFolder folder(folder_);
  Report report(folder, {});
  report.training({1, 0, 0.5}, -3.25, 2);
  ValidationScores scores;
  scores.si_snri = 4;
  scores.weaker_to_stronger_db = -7;
  scores.oracle = 5;
  scores.blind = 6;
  scores.bins_in_order = 0.9;
  scores.si_snri_by_bin = 4.5;
  report.validation({2, 0, 1}, -3.5, scores);
  report.validation({3, 1, 2}, NAN, {}, Report::Standing{true, 5e-4, "mixcycle"});
  const auto lines = rows();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], nlohmann::json::parse(R"({"step":1,"epoch":0,"minutes":0.5,"loss":-3.25,"gradient_norm":2.0})"));
  EXPECT_EQ(lines[1], nlohmann::json::parse(R"({"step":2,"epoch":0,"minutes":1.0,"train_loss":-3.5,"valid_si_snri":4.0,
      "valid_collapse_db":-7.0,"valid_si_snri_oracle":5.0,"valid_blind":6.0,"valid_bins_in_order":0.9,
      "valid_si_snri_by_bin":4.5,"state":"separating"})"));
  EXPECT_TRUE(lines[2]["train_loss"].is_null()) << "what is not finite is no JSON number";
  EXPECT_FALSE(lines[2].contains("valid_blind"));
  EXPECT_EQ(lines[2]["best"], true);
  EXPECT_EQ(lines[2]["learning_rate"], 5e-4);
  EXPECT_EQ(lines[2]["task"], "mixcycle");
  EXPECT_EQ(read("curves.png").substr(1, 3), "PNG");
}

// Panels lie below each other: the more quantities, the taller the picture.
TEST_F(ReportTest, CurvesHaveAPanelForEachQuantity) {
  const std::string one = "{\"step\":1,\"train_loss\":-1}\n{\"step\":2,\"train_loss\":-2}\n";
  write("one.jsonl", one);
  write("steps.jsonl", one + "{\"step\":1,\"loss\":9}\n");
  write("two.jsonl",
        "{\"step\":1,\"train_loss\":-1,\"valid_si_snri\":3}\n{\"step\":1,\"loss\":9}\n{\"step\":2,\"train_loss\":null,"
        "\"valid_si_snri\":5}\n{\"step\":3,\"train_lo");
  write("three.jsonl",
        "{\"step\":1,\"train_loss\":-1,\"valid_si_snri\":3,\"valid_blind\":3}\n7\n{\"step\":\"x\",\"valid_loss\":1}\n");
  const auto height = [&](const char* name) { return draw_curves(folder_ / name).height(); };
  EXPECT_LT(height("none.jsonl"), height("one.jsonl"));
  EXPECT_EQ(height("one.jsonl"), height("steps.jsonl"));
  const Chart two{"", "", {{"a", "", {}}, {"b", "", {}}}};
  EXPECT_EQ(height("three.jsonl") - height("two.jsonl"), panel_frame(two, 1).box.y - panel_frame(two, 0).box.y);
}

// Rows of today and of runs from before there was "best", "learning_rate" and "task".
TEST_F(ReportTest, CurvesMarkWhatTheRowsSay) {
  const auto two_rows = [&](const char* name, const std::string& first, const std::string& second) {
    write(name, "{\"step\":1,\"train_loss\":-1,\"valid_blind\":1" + first +
                    "}\n{\"step\":2,\"train_loss\":-2,\"valid_blind\":2" + second + "}\n");
  };
  two_rows("old.jsonl", "", "");
  two_rows("best.jsonl", ",\"best\":true", ",\"best\":false");
  two_rows("not_best.jsonl", ",\"best\":null", ",\"best\":false");
  two_rows("task.jsonl", ",\"task\":\"mixpit\"", ",\"task\":\"mixcycle\"");
  two_rows("rate.jsonl", ",\"learning_rate\":0.001", ",\"learning_rate\":5e-4");
  two_rows("same_rate.jsonl", ",\"learning_rate\":0.001", ",\"learning_rate\":1e-3");
  const auto picture = [&](const char* name) { return draw_curves(folder_ / name); };
  const std::string old = encode_png(picture("old.jsonl"));
  EXPECT_EQ(encode_png(picture("not_best.jsonl")), old);
  EXPECT_EQ(encode_png(picture("same_rate.jsonl")), old);
  EXPECT_NE(encode_png(picture("best.jsonl")), old);
  EXPECT_NE(encode_png(picture("task.jsonl")), old);
  EXPECT_GT(picture("rate.jsonl").height(), picture("task.jsonl").height() + 150) << "a panel for the learning rate";
}

TEST_F(ReportTest, ExamplesAreHeardAndSeen) {
  const RunFolder folder(folder_);
  Report report(folder, {});
  std::vector<float> tone(800);
  for (int t = 0; t < 800; ++t) tone[t] = static_cast<float>(std::sin(0.3 * t));
  report.example(7, {"item", 8000, tone, {tone, tone, tone}});
  std::string events;
  for (const auto& entry : std::filesystem::directory_iterator(folder_))
    if (entry.path().filename().string().starts_with("events.")) events = read(entry.path().filename());
  for (const char* tag : {"example/mixture", "example/estimate_1", "example/estimate_3", "example/spectrograms", "PNG"})
    EXPECT_NE(events.find(tag), std::string::npos) << tag;
}

TEST_F(ReportTest, AResumedRunDropsTheValidationItWillRepeat) {
  const RunFolder folder(folder_);
  Report report(folder, {});
  report.training({1, 0, 0}, -1, 1);
  report.validation({1, 0, 0}, -1, {});
  report.training({2, 0, 0}, -2, 1);
  report.validation({2, 0, 0}, -2, {});
  folder.truncate_metrics(2, 1);
  const auto lines = rows();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[2]["loss"], -2.0);
  EXPECT_TRUE(lines[1].contains("valid_collapse_db"));
}

// A kill between a validation and its checkpoint: TensorBoard drops the step, and its training loss is written again.
TEST_F(ReportTest, AResumedRunWritesNoStepTwice) {
  const RunFolder folder(folder_);
  const auto events_of_start = [&](int64_t validated_step) {
    Report(folder, {.steps = 2, .validated_step = validated_step});
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      if (entry.path().filename().string().starts_with("events.")) names.push_back(entry.path().filename());
    return read(*std::max_element(names.begin(), names.end()));
  };
  Report(folder, {}).training({2, 0, 0}, -2, 1);
  const std::string start_at_2{"\x10\x02:\x02\x08\x01", 6}, start_at_3{"\x10\x03:\x02\x08\x01", 6};  // step, START
  const std::string after_validation = events_of_start(2), before_validation = events_of_start(1);
  EXPECT_NE(after_validation.find(start_at_3), std::string::npos);
  EXPECT_EQ(after_validation.find("training/loss"), std::string::npos);
  EXPECT_NE(before_validation.find(start_at_2), std::string::npos);
  EXPECT_NE(before_validation.find("training/loss"), std::string::npos);
}

}  // namespace
}  // namespace sunder
