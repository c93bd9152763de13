#include "train/report.h"

#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

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
  // How many colours that are no grey stand in a picture: one for each curve (soft edges are few pixels of a colour).
  static int64_t colours(const Picture& picture) {
    std::map<std::tuple<int, int, int>, int> counts;
    for (int y = 0; y < picture.height(); ++y) {
      for (int x = 0; x < picture.width(); ++x) {
        const Color color = picture.at(x, y);
        if (color.red != color.green || color.green != color.blue) ++counts[{color.red, color.green, color.blue}];
      }
    }
    return std::count_if(counts.begin(), counts.end(), [](const auto& entry) { return entry.second >= 80; });
  }
};

TEST_F(ReportTest, WritesEveryNumberTwiceAndDrawsTheCurves) {
  const RunFolder folder(folder_);
  Report report(folder, 0);
  report.training({1, 0, 0.5}, -3.25, 2);
  ValidationScores scores;
  scores.si_snri = 4;
  scores.weaker_to_stronger_db = -7;
  scores.oracle = 5;
  scores.blind = 6;
  report.validation({2, 0, 1}, -3.5, scores);
  report.validation({3, 1, 2}, NAN, {});
  const auto lines = rows();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], nlohmann::json::parse(R"({"step":1,"epoch":0,"minutes":0.5,"loss":-3.25,"gradient_norm":2.0})"));
  EXPECT_EQ(lines[1], nlohmann::json::parse(R"({"step":2,"epoch":0,"minutes":1.0,"train_loss":-3.5,"valid_si_snri":4.0,
      "valid_collapse_db":-7.0,"valid_si_snri_oracle":5.0,"valid_blind":6.0})"));
  EXPECT_TRUE(lines[2]["train_loss"].is_null()) << "what is not finite is no JSON number";
  EXPECT_FALSE(lines[2].contains("valid_blind"));
  EXPECT_EQ(read("curves.png").substr(1, 3), "PNG");
}

TEST_F(ReportTest, CurvesHaveALineForEachScore) {
  write("one.jsonl", "{\"step\":1,\"train_loss\":-1}\n{\"step\":2,\"train_loss\":-2}\n");
  write("two.jsonl",
        "{\"step\":1,\"train_loss\":-1,\"valid_si_snri\":3}\n{\"step\":1,\"loss\":9}\n{\"step\":2,\"train_loss\":null,"
        "\"valid_si_snri\":5}\n{\"step\":3,\"train_lo");
  const auto grey = colours(draw_curves(folder_ / "none.jsonl"));
  EXPECT_EQ(colours(draw_curves(folder_ / "one.jsonl")), grey + 1);
  EXPECT_EQ(colours(draw_curves(folder_ / "two.jsonl")), grey + 2);
}

TEST_F(ReportTest, ExamplesAreHeardAndSeen) {
  const RunFolder folder(folder_);
  Report report(folder, 0);
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
  Report report(folder, 0);
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

}  // namespace
}  // namespace sunder
