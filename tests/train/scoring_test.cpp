#include "train/scoring.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"
#include "train/score_report.h"

namespace sunder {
namespace {

using Kind = ScoreColumn::Kind;

std::vector<std::string> names(const std::vector<std::string>& metrics, const ScoredForm& form) {
  std::vector<std::string> result;
  for (const ScoreColumn& column : score_columns(metrics, form)) result.push_back(column.name);
  return result;
}

TEST(Scoring, ColumnsFollowTheMetrics) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(names({"si_snr", "si_snri"}, {}), (Names{"si_snr", "si_snri", "irm_si_snri", "mixture_si_snr"}));
  EXPECT_EQ(names({"si_sdri"}, {.with_mixture = true, .more_outputs = true}),
            (Names{"si_sdri", "oracle_si_sdri", "irm_si_sdri", "mixture_si_sdr"}));
  EXPECT_EQ(names({"si_sdr"}, {.with_mixture = false}), Names{"si_sdr"});
  EXPECT_THROW(score_columns({"stoi"}, {}), UsageError);
  EXPECT_THROW(score_columns({}, {}), UsageError);
  EXPECT_THROW(score_columns({"si_snri"}, {.with_mixture = false}), UsageError);
}

ScoreTable table_of(const std::vector<std::optional<double>>& values) {
  ScoreTable table{{{Kind::estimate, "si_snr", "SI-SNR"}}, 1, {}};
  for (size_t i = 0; i < values.size(); ++i) table.items.push_back({std::to_string(i), {{values[i]}}, {0}, ""});
  return table;
}

TEST(Scoring, SummaryLeavesOutWhatIsUndefined) {
  const ScoreSummary summary = summarise(table_of({3.0, std::nullopt, 10.0, 2.0, 5.0}), 0);
  EXPECT_EQ(summary.count, 4);
  EXPECT_DOUBLE_EQ(*summary.mean, 5);
  EXPECT_DOUBLE_EQ(*summary.median, 4);
  EXPECT_DOUBLE_EQ(*summary.std, std::sqrt((4 + 25 + 9 + 0) / 3.0));
  EXPECT_EQ(summarise(table_of({7.0}), 0).std, std::nullopt);
  EXPECT_EQ(summarise(table_of({std::nullopt}), 0).mean, std::nullopt);
  EXPECT_EQ(*summarise(table_of({1.0, INFINITY, 3.0}), 0).mean, INFINITY);
  EXPECT_EQ(summarise(table_of({-INFINITY, INFINITY}), 0).mean, std::nullopt);
}

TEST(Scoring, ReportsHoldNoNan) {
  const ScoreTable table = table_of({1.25, std::nullopt, INFINITY, -0.001});
  EXPECT_EQ(scores_csv(table), "item,source,si_snr\n0,s1,1.25\n1,s1,\n2,s1,inf\n3,s1,-0.001\n");
  for (const std::string& text : {scores_json(table, {}), scores_markdown(table, "title")})
    EXPECT_EQ(text.find("nan"), std::string::npos) << text;
  EXPECT_EQ(scores_markdown(table_of({-0.001}), "").find("-0.00"), std::string::npos);
}

// Two tones as references: every number of an item can be worked out by hand.
TEST(Scoring, ItemsHaveTheScoresOfTheirBestMatch) {
  const int64_t length = 4000;
  std::vector<float> references(2 * length), estimates(2 * length), mixture(length);
  for (int64_t t = 0; t < length; ++t) {
    const double first = std::sin(2 * M_PI * 0.05 * static_cast<double>(t)),
                 second = std::sin(2 * M_PI * 0.125 * static_cast<double>(t));
    references[t] = static_cast<float>(first);
    references[length + t] = static_cast<float>(second);
    mixture[t] = static_cast<float>(first + second);
    estimates[t] = static_cast<float>(second + 0.1 * first);            // exchanged; 20 dB
    estimates[length + t] = static_cast<float>(first + 0.01 * second);  // 40 dB
  }
  const auto columns = score_columns({"si_snr", "si_snri"}, {});
  const Tensor refs = Tensor::from(references, {2, length}), mix = Tensor::from(mixture, {length});
  const ScoredItem item = score_item("x", refs, Tensor::from(estimates, {2, length}), mix, columns);
  EXPECT_EQ(item.outputs, (std::vector<int64_t>{1, 0}));
  EXPECT_NEAR(*item.scores[0][0], 40, 1e-3);
  EXPECT_NEAR(*item.scores[1][0], 20, 1e-3);
  EXPECT_NEAR(*item.scores[0][1], 40, 1e-3) << "the mixture is at 0 dB";
  EXPECT_GT(*item.scores[0][2], 20) << "tones far apart: ideal masks part them well";
  EXPECT_NEAR(*item.scores[1][3], 0, 1e-3);

  const ScoredItem short_item =
      score_item("short", refs.reshape({16, 500}).slice(0, 2).reshape({10, 100}).slice(0, 2),
                 Tensor::full({2, 100}, 0.5, DType::float32), Tensor::full({100}, 0.5, DType::float32), columns);
  EXPECT_EQ(short_item.scores[0][2], std::nullopt) << "too short for the masks' frames";
}

TEST(Scoring, SilentReferencesAreNamed) {
  const ScoredItem item =
      score_item("x", Tensor::zeros({2, 300}, DType::float32), Tensor::full({2, 300}, 1, DType::float32),
                 Tensor::zeros({300}, DType::float32), score_columns({"si_snri"}, {}));
  EXPECT_EQ(item.skipped, "silent references s1, s2");
  for (const auto& source : item.scores)
    for (const auto& score : source) EXPECT_FALSE(score);
}

}  // namespace
}  // namespace sunder
