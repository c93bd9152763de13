// Every metric on recorded speech, degraded and separated, beside what mir_eval, pystoi and fast_bss_eval say:
// $SUNDER_SHARED/golden/metrics, whose README tells how the pairs were made. The largest difference of each metric is
// recorded as a property of its test and printed; docs/metrics.md quotes it.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "audio/file.h"
#include "audio/metrics/assignment.h"
#include "audio/metrics/bss_eval.h"
#include "audio/metrics/si_snr.h"
#include "audio/metrics/stoi.h"
#include "files/csv.h"
#include "tests/golden.h"

namespace sunder {
namespace {

using Signal = std::vector<double>;

constexpr const char* folder = "golden/metrics";
constexpr double rounding_error_from = 100;  // dB, the README: above, "at least 100" is all that can be said
constexpr double si_snr_bound = 2e-6;        // dB, two roundings of fast_bss_eval's

Signal read_signal(const std::string& name) {
  const Audio audio = read_mono(shared_folder() / folder / name);
  return {audio.samples.begin(), audio.samples.end()};
}

Tensor rows(const std::vector<Signal>& signals) {
  Signal all;
  for (const Signal& signal : signals) all.insert(all.end(), signal.begin(), signal.end());
  return Tensor::from(all, {static_cast<int64_t>(signals.size()), static_cast<int64_t>(signals[0].size())});
}

class MetricsGolden : public testing::Test {
 protected:
  void SetUp() override { SUNDER_NEEDS_SHARED(folder); }
  void TearDown() override {
    for (const auto& [metric, largest] : largest_) {
      RecordProperty(metric, fmt::format("{:.1e}", largest));
      fmt::print("{}: largest difference {:.1e}\n", metric, largest);
    }
  }

  CsvTable table(const char* name) const { return CsvTable::read(shared_folder() / folder / name); }

  void expect(const std::string& metric, std::optional<double> actual, const std::string& golden, double bound,
              const std::string& where) {
    ASSERT_TRUE(actual) << metric << " of " << where;
    const double expected = std::stod(golden);
    if (expected > rounding_error_from) {
      EXPECT_GE(*actual, rounding_error_from) << metric << " of " << where;
      return;
    }
    EXPECT_NEAR(*actual, expected, bound) << metric << " of " << where;
    largest_[metric] = std::max(largest_[metric], std::abs(*actual - expected));
  }

 private:
  std::map<std::string, double> largest_;
};

TEST_F(MetricsGolden, SiSdrOfPairs) {
  const CsvTable golden = table("golden.csv");
  ASSERT_GT(golden.size(), 30);
  for (int64_t i = 0; i < golden.size(); ++i) {
    const Signal s = read_signal(golden.at(i, "ref_file")), e = read_signal(golden.at(i, "deg_file"));
    expect("si_sdr", si_snr(s, e), golden.at(i, "si_sdr"), si_snr_bound, golden.at(i, "pair"));
    expect("si_sdr_zero_mean", si_snr(s, e, 0, Mean::removed), golden.at(i, "si_sdr_zero_mean"), si_snr_bound,
           golden.at(i, "pair"));
  }
}

TEST_F(MetricsGolden, BssEvalOfPairs) {
  const CsvTable golden = table("golden.csv");
  ASSERT_GT(golden.size(), 30);
  for (int64_t i = 0; i < golden.size(); ++i) {
    std::vector<Signal> references{read_signal(golden.at(i, "ref_file"))};
    if (!golden.at(i, "interf_file").empty()) references.push_back(read_signal(golden.at(i, "interf_file")));
    const BssScores scores = bss_eval(rows(references), rows({read_signal(golden.at(i, "deg_file"))}))[0];
    const std::string& pair = golden.at(i, "pair");
    expect("sdr", scores.sdr.value, golden.at(i, "sdr"), bss_eval_bound, pair);
    expect("sir", scores.sir.value, golden.at(i, "sir"), bss_eval_bound, pair);
    expect("sar", scores.sar.value, golden.at(i, "sar"), bss_eval_bound, pair);
  }
}

TEST_F(MetricsGolden, StoiOfPairs) {
  const CsvTable golden = table("golden.csv");
  ASSERT_GT(golden.size(), 30);
  int missing = 0;
  for (int64_t i = 0; i < golden.size(); ++i) {
    const StoiScores scores = stoi_scores(read_signal(golden.at(i, "ref_file")), read_signal(golden.at(i, "deg_file")),
                                          static_cast<int>(golden.integer(i, "sample_rate")));
    const std::string& pair = golden.at(i, "pair");
    if (golden.number(i, "stoi") == 1e-5) {  // pystoi's answer to too little speech
      EXPECT_FALSE(scores.classic.value || scores.extended.value) << pair;
      EXPECT_STREQ(scores.extended.missing, "fewer than 30 frames of speech (0.4 s)") << pair;
      ++missing;
      continue;
    }
    expect("stoi", scores.classic.value, golden.at(i, "stoi"), stoi_bound, pair);
    expect("estoi", scores.extended.value, golden.at(i, "estoi"), stoi_bound, pair);
  }
  EXPECT_EQ(missing, 2);
}

TEST_F(MetricsGolden, BssEvalOfSeparations) {
  const CsvTable golden = table("separation.csv");
  ASSERT_GE(golden.size(), 12);
  for (int64_t i = 0; i + 1 < golden.size(); i += 2) {
    const std::string& name = golden.at(i, "case");
    const Tensor references = rows({read_signal(golden.at(i, "ref_file")), read_signal(golden.at(i + 1, "ref_file"))});
    const auto scores =
        bss_eval(references, rows({read_signal(golden.at(i, "est1_file")), read_signal(golden.at(i, "est2_file"))}));
    const auto mixture = bss_eval(references, rows({read_signal(golden.at(i, "mix_file"))}), {.interference = false});
    std::vector<double> sir;
    for (const BssScores& score : scores) sir.push_back(*score.sir.value);
    const auto output_of = best_assignment(sir, 2, 2);
    for (int64_t ref = 0; ref < 2; ++ref) {
      EXPECT_EQ(output_of[ref] + 1, golden.integer(i + ref, "est_for_ref")) << name;
      const BssScores& score = scores[ref * 2 + output_of[ref]];
      expect("sdr", score.sdr.value, golden.at(i + ref, "sdr"), bss_eval_bound, name);
      expect("sir", score.sir.value, golden.at(i + ref, "sir"), bss_eval_bound, name);
      expect("sar", score.sar.value, golden.at(i + ref, "sar"), bss_eval_bound, name);
      expect("mix_sdr", mixture[ref].sdr.value, golden.at(i + ref, "mix_sdr"), bss_eval_bound, name);
    }
  }
}

TEST_F(MetricsGolden, SiSdrOfSeparations) {
  const CsvTable golden = table("separation.csv");
  ASSERT_GE(golden.size(), 12);
  for (int64_t i = 0; i + 1 < golden.size(); i += 2) {
    const std::string& name = golden.at(i, "case");
    const Signal mixture = read_signal(golden.at(i, "mix_file"));
    const auto scores =
        score_separation(rows({read_signal(golden.at(i, "ref_file")), read_signal(golden.at(i + 1, "ref_file"))}),
                         rows({read_signal(golden.at(i, "est1_file")), read_signal(golden.at(i, "est2_file"))}),
                         Tensor::from(mixture, {static_cast<int64_t>(mixture.size())}));
    for (int64_t ref = 0; ref < 2; ++ref) {
      EXPECT_EQ(scores[ref].output + 1, golden.integer(i + ref, "est_for_ref_si_sdr")) << name;
      expect("si_sdr", scores[ref].si_snr, golden.at(i + ref, "si_sdr"), si_snr_bound, name);
      EXPECT_NEAR(*scores[ref].si_snri, golden.number(i + ref, "si_sdr") - golden.number(i + ref, "mix_si_sdr"),
                  2 * si_snr_bound)
          << name;
    }
  }
}

}  // namespace
}  // namespace sunder
