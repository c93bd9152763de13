#include "evaluate/scoring.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "audio/file.h"
#include "evaluate/score_report.h"
#include "files/csv.h"
#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/golden.h"

namespace sunder {
namespace {

using Names = std::vector<std::string>;

Names names(const Names& metrics, const Names& oracles, const ScoredForm& form) {
  Names result;
  for (const ScoreColumn& column : score_columns(metrics, oracles, form)) result.push_back(column.name);
  return result;
}

TEST(Scoring, ColumnsFollowTheMetrics) {
  EXPECT_EQ(names({"si_snr", "si_snri"}, {"irm", "mixture"}, {}),
            (Names{"si_snr", "irm_si_snr", "mixture_si_snr", "si_snri", "irm_si_snri"}));
  EXPECT_EQ(names({"si_sdri", "stoi"}, {"mixture", "psm"}, {.with_mixture = true, .more_outputs = true}),
            (Names{"si_sdri", "oracle_si_sdri", "psm_si_sdri", "mixture_si_sdr", "stoi", "oracle_stoi", "psm_stoi",
                   "mixture_stoi"}));
  EXPECT_EQ(names({"si_sdr", "sar"}, {"none"}, {.with_mixture = false}), (Names{"si_sdr", "sar"}));
  const auto column = score_columns({"pesq_wbi"}, {"ibm"}, {})[1];
  EXPECT_STREQ(column.metric->name, "pesq_wb");
  EXPECT_TRUE(column.improvement);
  EXPECT_EQ(column.system, ScoredSystem::ibm);
  EXPECT_EQ(column.label, "PESQ wide-band improvement, ideal binary masks");
  EXPECT_EQ(score_columns({"snri"}, {"none"}, {})[0].label, "SNRi");
  EXPECT_EQ(names({"bin_order"}, {"irm", "mixture"}, {}), (Names{"bin_order", "irm_bin_order"}))
      << "one signal for all sources has no order";
  EXPECT_EQ(names({"sdri"}, {"mixture", "auxiva"}, {.sources = 3, .microphones = 3}),
            (Names{"sdri", "auxiva_sdri", "mixture_sdr"}));
  EXPECT_THROW(score_columns({"sdr"}, {"auxiva"}, {.sources = 3, .microphones = 2}), UsageError);
  EXPECT_THROW(score_columns({"sdr"}, {"auxiva"}, {.sources = 1, .microphones = 1}), UsageError);
  EXPECT_THROW(score_columns({"bin_orderi"}, {"none"}, {}), UsageError);
  EXPECT_THROW(score_columns({"stio"}, {"none"}, {}), UsageError);
  EXPECT_THROW(score_columns({}, {"none"}, {}), UsageError);
  EXPECT_THROW(score_columns({"sdr"}, {"irm", "none"}, {}), UsageError);
  EXPECT_THROW(score_columns({"sdr"}, {"imr"}, {}), UsageError);
  EXPECT_THROW(score_columns({"sdr"}, {"irm"}, {.with_mixture = false}), UsageError);
  EXPECT_THROW(score_columns({"si_snri"}, {"none"}, {.with_mixture = false}), UsageError);
}

// Its signals are matched like a network's; where there are none, the other scores stay.
TEST(Scoring, AuxIvaThatCannotSeparateSaysWhy) {
  const int64_t length = 16000;
  const Tensor references = Tensor::empty({2, length}, DType::float32);
  Random random(3, RandomUse::test);
  for (int64_t i = 0; i < 2 * length; ++i)
    references.mutable_data<float>()[i] = static_cast<float>((i / 1500 % 3 + 0.1) * random.normal());
  const Tensor recording = Tensor::zeros({3, length}, DType::float32);
  const auto mix = [&](int64_t m, float first, float second) {
    for (int64_t t = 0; t < length; ++t)
      recording.mutable_data<float>()[m * length + t] =
          first * references.data<float>()[t] + second * references.data<float>()[length + t];
  };
  mix(0, 1, 1);
  mix(1, 1, -0.5f);
  const auto columns = score_columns({"si_sdr"}, {"auxiva", "mixture"}, {.sources = 2, .microphones = 3});
  ScoredSignals signals{references, references, recording.slice(0, 1).reshape({length}), 8000};
  signals.recording = recording;
  const ScoredItem dead = score_item("x", signals, columns, {});
  ASSERT_EQ(dead.scores.size(), 2u);
  EXPECT_FALSE(dead.scores[0][1].value);
  EXPECT_STREQ(dead.scores[0][1].missing, "AuxIVA needs a longer recording with a signal at every microphone");
  EXPECT_TRUE(dead.scores[0][0].value && dead.scores[0][2].value);
  signals.recording = recording.slice(0, 2);
  const ScoredItem item = score_item("x", signals, columns, {});
  for (int s = 0; s < 2; ++s)
    EXPECT_GT(*item.scores[s][1].value, *item.scores[s][2].value + 5) << "a mixture without echoes";
}

// No name of a metric equals another one with an i appended.
TEST(Scoring, MetricNamesAreUnique) {
  std::set<std::string> known;
  for (const Metric& metric : metric_table())
    for (const char* suffix : {"", "i"}) EXPECT_TRUE(known.insert(metric.name + std::string(suffix)).second);
}

ScoreTable table_of(const std::vector<std::optional<double>>& values) {
  ScoreTable table{score_columns({"si_snr"}, {"none"}, {}), {}};
  for (size_t i = 0; i < values.size(); ++i)
    table.items.push_back({std::to_string(i), {"s1"}, {{{values[i], values[i] ? nullptr : "of a test"}}}, {0}});
  return table;
}

TEST(Scoring, SummaryLeavesOutWhatIsUndefined) {
  const ScoreSummary summary = summarise(table_of({3.0, std::nullopt, 10.0, 2.0, 5.0}), 0);
  EXPECT_EQ(summary.count, 4);
  EXPECT_DOUBLE_EQ(*summary.mean, 5);
  EXPECT_DOUBLE_EQ(*summary.median, 4);
  EXPECT_DOUBLE_EQ(*summary.std, std::sqrt((4 + 25 + 9 + 0) / 3.0));
  EXPECT_EQ(summary.missing, (std::map<std::string, int64_t>{{"of a test", 1}}));
  EXPECT_EQ(summarise(table_of({7.0}), 0).std, std::nullopt);
  EXPECT_EQ(summarise(table_of({7.0}), 0).interval, std::nullopt);
  EXPECT_EQ(summarise(table_of({std::nullopt}), 0).mean, std::nullopt);
  EXPECT_EQ(*summarise(table_of({1.0, INFINITY, 3.0}), 0).mean, INFINITY);
  EXPECT_EQ(summarise(table_of({1.0, INFINITY, 3.0}), 0).interval, std::nullopt);
  EXPECT_EQ(summarise(table_of({-INFINITY, INFINITY}), 0).mean, std::nullopt);
}

// Means of many values are normal: the interval is 1.96 standard errors on either side, within the noise of 2,000
// draws.
TEST(Scoring, IntervalIsThatOfTheMeanOverItems) {
  std::vector<std::optional<double>> values;
  Random random(1, RandomUse::test);
  for (int i = 0; i < 900; ++i) values.push_back(10 + 3 * random.normal());
  const ScoreTable table = table_of(values);
  const ScoreSummary summary = summarise(table, 0);
  const double error = *summary.std / 30;
  EXPECT_NEAR(summary.interval->first, *summary.mean - 1.96 * error, 0.15 * error);
  EXPECT_NEAR(summary.interval->second, *summary.mean + 1.96 * error, 0.15 * error);
  EXPECT_EQ(summarise(table, 0).interval, summary.interval) << "always the same draws";

  // Two equal sources per item add no information: the interval stays.
  ScoreTable twice = table;
  for (ScoredItem& item : twice.items) {
    item.sources.push_back("s2");
    item.scores.push_back(item.scores[0]);
  }
  EXPECT_NEAR(summarise(twice, 0).interval->first, summary.interval->first, 1e-9);
}

TEST(Scoring, ReportsHoldNoNan) {
  const ScoreTable table = table_of({1.25, std::nullopt, INFINITY, -0.001});
  EXPECT_EQ(scores_csv(table), "item,source,si_snr\n0,s1,1.25\n1,s1,\n2,s1,inf\n3,s1,-0.001\n");
  for (const std::string& text : {scores_json(table, {}), scores_markdown(table, "title")})
    EXPECT_EQ(text.find("nan"), std::string::npos) << text;
  EXPECT_NE(scores_json(table, {}).find("of a test"), std::string::npos);
  EXPECT_EQ(scores_markdown(table_of({-0.001}), "").find("-0.00"), std::string::npos);
}

// Two tones as references: every score can be worked out by hand.
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
  const auto columns = score_columns({"si_snr", "si_snri", "sir", "snr", "snri"}, {"irm", "mixture"}, {});
  const ScoredSignals signals{Tensor::from(references, {2, length}), Tensor::from(estimates, {2, length}),
                              Tensor::from(mixture, {length}), 8000};
  for (const char* by : {"si_sdr", "sdr", "sir"}) {
    const ScoredItem item = score_item("x", signals, columns, {.permutation_by = by});
    EXPECT_EQ(item.outputs, (std::vector<int64_t>{1, 0}));
    const auto score = [&](int s, size_t c) { return *item.scores[s][c].value; };
    EXPECT_NEAR(score(0, 0), 40, 1e-3);
    EXPECT_NEAR(score(1, 0), 20, 1e-3);
    EXPECT_NEAR(score(0, 2), 0, 1e-3) << "the mixture is at 0 dB";
    EXPECT_NEAR(score(0, 3), 40, 1e-3);
    EXPECT_GT(score(0, 4), 20) << "tones far apart: ideal masks part them well";
    // The error is the other source; filters of 512 taps explain a little of it at the tones' ends.
    EXPECT_NEAR(score(1, 5), 20, 0.5);
    EXPECT_NEAR(score(0, 8), 40, 1e-3) << "the target is at the reference's level";
    EXPECT_NEAR(score(1, 8), 20, 1e-3);
    EXPECT_NEAR(score(1, 10), 0, 1e-3) << "the mixture's";
    EXPECT_NEAR(score(1, 11), 20, 1e-3);
  }

  const auto half = [](const Tensor& tensor) { return tensor.reshape({-1, 100}).slice(0, 2); };
  const ScoredItem short_item = score_item(
      "short", {half(signals.references), half(signals.estimates), Tensor::full({100}, 0.5, DType::float32), 8000},
      score_columns({"si_snr", "stoi"}, {"irm"}, {}), {});
  EXPECT_EQ(short_item.scores[0][1].value, std::nullopt);
  EXPECT_STREQ(short_item.scores[0][1].missing, "shorter than the frames of the ideal masks");
  EXPECT_EQ(short_item.scores[0][2].value, std::nullopt);
  EXPECT_NE(short_item.scores[0][2].missing, nullptr);
}

// The named metric decides the one permutation for all metrics: SDR's filters find a copy that is 3 samples late,
// SI-SDR prefers the other output, which holds a trace of the source.
TEST(Scoring, TheNamedMetricMatchesOutputs) {
  const int64_t length = 4000;
  std::vector<float> signals[2], late(length), trace(length);
  for (int s = 0; s < 2; ++s)
    for (int64_t t = 0; t < length; ++t)
      signals[s].push_back(static_cast<float>(Random(7 + s, RandomUse::test, 0, t).normal()));
  for (int64_t t = 0; t < length; ++t) {
    late[t] = t < 3 ? 0 : signals[0][t - 3];
    trace[t] = static_cast<float>(0.3 * signals[0][t] + Random(9, RandomUse::test, 0, t).normal());
  }
  std::vector<float> references = signals[0], estimates = trace;
  const Tensor one = Tensor::from(references, {1, length});
  estimates.insert(estimates.end(), late.begin(), late.end());
  const ScoredSignals item{one, Tensor::from(estimates, {2, length}), {}, 8000};
  const auto columns = score_columns({"si_sdr", "sdr"}, {"none"}, {.with_mixture = false});
  const ScoredItem by_si_sdr = score_item("x", item, columns, {}),
                   by_sdr = score_item("x", item, columns, {.permutation_by = "sdr"});
  EXPECT_EQ(by_si_sdr.outputs[0], 0);
  EXPECT_EQ(by_sdr.outputs[0], 1);
  EXPECT_THROW(score_item("x", item, columns, {.permutation_by = "stoi"}), UsageError);
  EXPECT_GT(*by_sdr.scores[0][1].value, 20);
  EXPECT_LT(*by_sdr.scores[0][0].value, *by_si_sdr.scores[0][0].value);
}

// The PESQ program's answers go to their columns; where it fails, the other scores stay.
TEST(Scoring, PesqComesFromItsProgram) {
  const Tensor tones = Tensor::from(std::vector<float>{1, 2, 3, 4, 2, 1, 4, 3}, {2, 4});
  const ScoredSignals signals{tones, tones, Tensor::full({4}, 1, DType::float32), 16000};
  ScoringOptions options;
  options.pesq = [](std::span<const float> reference, std::span<const float> degraded, int rate, PesqBand band) {
    EXPECT_EQ(rate, 16000);
    EXPECT_EQ(degraded.size(), 4u);
    if (band == PesqBand::wide && reference[0] == 2) throw_error("no answer");
    return Score{reference[0] + (degraded[0] == 1 && degraded[1] == 1 ? 0.25 : 0)};
  };
  const ScoredItem item =
      score_item("x", signals, score_columns({"pesq_nb", "pesq_nbi", "pesq_wb", "si_sdr"}, {"none"}, {}), options);
  EXPECT_EQ(*item.scores[0][0].value, 1);
  EXPECT_EQ(*item.scores[1][0].value, 2);
  EXPECT_EQ(*item.scores[1][1].value, -0.25);
  EXPECT_EQ(*item.scores[0][2].value, 1);
  EXPECT_STREQ(item.scores[1][2].missing, "the PESQ program failed");
  EXPECT_EQ(item.failure, "x s2: no answer");
  EXPECT_EQ(*item.scores[1][3].value, INFINITY);
}

TEST(Scoring, SilentReferencesAreNamed) {
  const ScoredItem item =
      score_item("x",
                 {Tensor::zeros({2, 300}, DType::float32), Tensor::full({2, 300}, 1, DType::float32),
                  Tensor::zeros({300}, DType::float32), 8000},
                 score_columns({"si_snri"}, {"irm"}, {}), {});
  EXPECT_EQ(item.skipped, "silent references s1, s2");
  EXPECT_TRUE(item.scores.empty());
}

// Every metric of a silent estimate but SNR is missing, with a reason, and never NaN.
TEST(Scoring, SilentEstimatesHaveNoScore) {
  std::vector<float> noise;
  for (int64_t t = 0; t < 8000; ++t) noise.push_back(static_cast<float>(Random(3, RandomUse::test, 0, t).normal()));
  const ScoredItem item = score_item(
      "x", {Tensor::from(noise, {1, 8000}), Tensor::zeros({1, 8000}, DType::float32), {}, 8000},
      score_columns({"snr", "si_sdr", "sdr", "sir", "sar", "stoi", "estoi"}, {"none"}, {.with_mixture = false}), {});
  ASSERT_EQ(item.scores.at(0).size(), 7u);
  EXPECT_EQ(*item.scores[0][0].value, 0);
  for (size_t c = 1; c < item.scores[0].size(); ++c) {
    EXPECT_EQ(item.scores[0][c].value, std::nullopt);
    EXPECT_NE(item.scores[0][c].missing, nullptr);
  }
}

// The outputs hold the low tone of one source and the high tone of the other.
TEST(Scoring, BinsInOrderAreThoseOfTheMatchedOutputs) {
  constexpr int64_t length = 4096;
  const auto tones = [](std::initializer_list<std::pair<double, double>> rows) {
    std::vector<float> all;
    for (const auto& [low, high] : rows)
      for (int64_t t = 0; t < length; ++t)
        all.push_back(static_cast<float>(2 * std::sin(2 * M_PI * low * static_cast<double>(t) / 8000) +
                                         std::sin(2 * M_PI * high * static_cast<double>(t) / 8000)));
    return Tensor::from(all, {static_cast<int64_t>(rows.size()), length});
  };
  const ScoredSignals signals{tones({{500, 2500}, {1000, 3000}}), tones({{1000, 2500}, {500, 3000}}),
                              Tensor::zeros({length}, DType::float32), 8000};
  const ScoredItem item =
      score_item("x", signals, score_columns({"bin_order", "si_sdr_by_bin", "si_sdr"}, {"none"}, {}), {});
  EXPECT_EQ(item.outputs, (std::vector<int64_t>{1, 0}));
  for (const auto& scores : item.scores) {
    EXPECT_NEAR(*scores[0].value, 0.6, 0.2);
    EXPECT_GT(*scores[1].value, *scores[2].value + 10) << "the best order in every bin";
  }
}

// separation.csv through score_item: the scores, the match, and improvements over the mixture.
TEST(ScoringGolden, ItemsEqualTheReferenceImplementations) {
  SUNDER_NEEDS_SHARED("golden/metrics/separation.csv");
  const auto folder = shared_folder() / "golden/metrics";
  const CsvTable table = CsvTable::read(folder / "separation.csv");
  const auto signal = [&](int64_t row, const char* column) {
    return read_mono(folder / table.at(row, column)).samples;
  };
  const auto together = [](const std::vector<std::vector<float>>& rows) {
    std::vector<float> all;
    for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
    return Tensor::from(all, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
  };
  const auto columns = score_columns({"sdr", "sdri", "sir", "sar", "si_sdr"}, {"mixture"}, {});
  ASSERT_GT(table.size(), 0);
  for (int64_t row = 0; row + 1 < table.size(); row += 2) {
    const std::vector<float> mixture = signal(row, "mix_file");
    const ScoredSignals signals{together({signal(row, "ref_file"), signal(row + 1, "ref_file")}),
                                together({signal(row, "est1_file"), signal(row, "est2_file")}),
                                together({mixture}).reshape({-1}), static_cast<int>(table.integer(row, "sample_rate"))};
    const ScoredItem item = score_item(table.at(row, "case"), signals, columns, {.permutation_by = "sir"});
    for (int64_t s = 0; s < 2; ++s) {
      SCOPED_TRACE(item.name);
      const auto golden = [&](const char* column) { return table.number(row + s, column); };
      const auto found = [&](size_t column) { return *item.scores[s][column].value; };
      EXPECT_EQ(item.outputs[s] + 1, table.integer(row + s, "est_for_ref"));
      EXPECT_NEAR(found(0), golden("sdr"), 1e-3);
      EXPECT_NEAR(found(1), golden("mix_sdr"), 1e-3);
      EXPECT_NEAR(found(2), golden("sdr") - golden("mix_sdr"), 2e-3);
      EXPECT_NEAR(found(3), golden("sir"), 1e-3);
      EXPECT_NEAR(found(5), golden("sar"), 1e-3);
      EXPECT_NEAR(found(8), golden("mix_si_sdr"), 1e-4);
    }
  }
}

}  // namespace
}  // namespace sunder
