#include "evaluate/score_page.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sunder {
namespace {

// Twelve items of two sources; item i scores i and i + 1 dB, its mixture -2 dB.
Evaluation sample() {
  Evaluation evaluation{{score_columns({"si_sdr", "stoi"}, {"irm", "mixture"}, {.with_mixture = true}), {}}, {}, {}};
  for (int i = 0; i < 12; ++i) {
    ScoredItem item{fmt::format("item-{}", i), {"s1", "s2"}, {}, {1, 0}};
    for (int s = 0; s < 2; ++s) item.scores.push_back({{i + s}, {i + 10.0}, {-2.0}, {{}, "too short"}, {0.9}, {0.5}});
    evaluation.table.items.push_back(item);
  }
  evaluation.table.items[3].skipped = "silent reference s1";
  evaluation.table.items[3].scores.clear();
  evaluation.load = [](int64_t item) {
    const double level = static_cast<double>(item) + 1;
    return ScoredSignals{Tensor::full({2, 4}, level, DType::float32), Tensor::full({2, 4}, -0.5, DType::float32),
                         Tensor::full({4}, 2 * level, DType::float32), 16000};
  };
  evaluation.heading = {{"model", "m"}};
  return evaluation;
}

TEST(ScorePage, HoldsWhatTheTableHolds) {
  const Evaluation evaluation = sample();
  const ReportPage page = score_page(evaluation, "Scores", {"left out: item-3"});
  EXPECT_EQ(page.title, "Scores");
  EXPECT_EQ(page.notes, std::vector<std::string>{"left out: item-3"});
  EXPECT_EQ(page.table, summary_cells(evaluation.table));

  ASSERT_EQ(page.metrics.size(), 2u) << "of the estimates; oracles are drawn into them";
  const PageMetric& sdr = page.metrics[0];
  EXPECT_EQ(sdr.label, "SI-SDR");
  EXPECT_EQ(sdr.unit, "dB");
  EXPECT_EQ(sdr.values.size(), 22u);
  EXPECT_NEAR(sdr.mean, (66 - 3) / 11.0 + 0.5, 1e-12);
  EXPECT_EQ(sdr.undefined, 0);
  EXPECT_EQ(sdr.interval, summarise(evaluation.table, 0).interval);
  ASSERT_EQ(sdr.others.size(), 2u);
  EXPECT_EQ(sdr.others[0].label, "ideal ratio masks");
  EXPECT_EQ(sdr.others[1].label, "the mixture itself");
  EXPECT_EQ(sdr.others[1].values, std::vector<double>(22, -2));
  EXPECT_EQ(page.metrics[1].undefined, 22) << "no STOI at all";
  EXPECT_TRUE(page.metrics[1].values.empty());

  ASSERT_EQ(page.scatters.size(), 2u);
  ASSERT_EQ(page.scatters[0].points.size(), 22u);
  EXPECT_EQ(page.scatters[0].points[1].x, -2);
  EXPECT_EQ(page.scatters[0].points[1].y, 3) << "1 dB against -2 dB";
  EXPECT_EQ(page.scatters[0].points[1].item, "item-0 s2");
}

TEST(ScorePage, InfiniteScoresAreSaidNotDrawn) {
  Evaluation evaluation = sample();
  evaluation.table.items[0].scores[1][0] = {INFINITY};
  const ReportPage page = score_page(evaluation, "", {});
  EXPECT_EQ(page.metrics[0].values.size(), 21u);
  EXPECT_EQ(page.metrics[0].undefined, 0);
  EXPECT_EQ(page.notes.back(), "SI-SDR of 1 estimate is infinite: in the table's means, in no picture");
}

TEST(ScorePage, ShowsTheBestTheMiddleAndTheWorst) {
  const ReportPage page = score_page(sample(), "", {});
  std::vector<std::vector<std::string>> names;
  for (const PageRank& rank : page.ranks) {
    names.push_back({rank.title});
    for (const PageItem& item : rank.items) names.back().push_back(item.name);
  }
  EXPECT_EQ(names, (std::vector<std::vector<std::string>>{{"Best", "item-11", "item-10", "item-9"},
                                                          {"Median", "item-7", "item-6", "item-5"},
                                                          {"Worst", "item-2", "item-1", "item-0"}}));
  const PageItem& best = page.ranks[0].items[0];
  EXPECT_EQ(best.caption, "SI-SDR 11.00, 12.00 dB");
  EXPECT_EQ(best.sample_rate, 16000);
  ASSERT_EQ(best.tracks.size(), 5u);
  EXPECT_EQ(best.tracks[0].label, "mixture");
  EXPECT_EQ(best.tracks[0].samples, std::vector<float>(4, 24.0f));
  EXPECT_EQ(best.tracks[1].label, "reference s1");
  EXPECT_EQ(best.tracks[2].label, "estimate s1 (output 2), at its level");
  EXPECT_EQ(best.tracks[2].samples, std::vector<float>(4, -12.0f)) << "as loud as its reference";
  EXPECT_EQ(best.tracks[2].source, 1);
}

}  // namespace
}  // namespace sunder
