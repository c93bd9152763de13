#include "audio/metrics/si_snr.h"

#include <gtest/gtest.h>

#include <cmath>

#include "audio/metrics/assignment.h"
#include "tensor/random.h"

namespace sunder {
namespace {

using Signal = std::vector<double>;

Signal random_signal(uint64_t which, size_t length = 200) {
  Random random(7, RandomUse::test, 0, which);
  Signal result(length);
  for (double& x : result) x = random.normal();
  return result;
}

Signal mixed(const Signal& a, double factor, const Signal& b) {
  Signal result = a;
  for (size_t i = 0; i < a.size(); ++i) result[i] += factor * b[i];
  return result;
}

Tensor rows(const std::vector<Signal>& signals) {
  Signal all;
  for (const Signal& signal : signals) all.insert(all.end(), signal.begin(), signal.end());
  return Tensor::from(all, {static_cast<int64_t>(signals.size()), static_cast<int64_t>(signals[0].size())});
}
Tensor row(const Signal& signal) { return Tensor::from(signal, {static_cast<int64_t>(signal.size())}); }

TEST(SiSnr, IsTheRatioOfProjectionToRest) {
  // e = (3, 4) on s = (2, 0): projection (3, 0), rest (0, 4).
  EXPECT_NEAR(*si_snr(Signal{2, 0}, Signal{3, 4}), 10 * std::log10(9.0 / 16), 1e-12);
  EXPECT_NEAR(*si_snr(Signal{2, 0}, Signal{3, 4}, 2.0), 10 * std::log10(9.0 / 18), 1e-12);
}

TEST(SiSnr, IgnoresScaleButNotTheMean) {
  const Signal s = random_signal(1), ones(s.size(), 1.0);
  // pb_bss's example: 2 s + 1 and s + 0.5 are the same estimate.
  const Signal half = mixed(s, 0.5, ones);
  Signal twice = half;
  for (double& x : twice) x *= 2;
  EXPECT_NEAR(*si_snr(s, twice), *si_snr(s, half), 1e-10);
  EXPECT_LT(*si_snr(s, half), 20);  // a mean that were removed would leave +infinity
}

TEST(SiSnr, RemovesTheMeanWhereItIsAskedTo) {
  const Signal s = random_signal(1), ones(s.size(), 1.0), other = random_signal(2);
  const Signal estimate = mixed(s, 0.3, other);
  double mean = 0, mean_of_estimate = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    mean += s[i] / static_cast<double>(s.size());
    mean_of_estimate += estimate[i] / static_cast<double>(s.size());
  }
  const double expected = *si_snr(mixed(s, -mean, ones), mixed(estimate, -mean_of_estimate, ones));
  EXPECT_NEAR(*si_snr(mixed(s, -2, ones), mixed(estimate, 5, ones), 0, Mean::removed), expected, 1e-10);
  EXPECT_GT(std::abs(*si_snr(s, estimate) - expected), 1e-4);
  EXPECT_GT(*si_snr(s, mixed(s, 3, ones), 0, Mean::removed), 200);  // an offset alone
  EXPECT_FALSE(si_snr(Signal(7, 0.1), Signal{1, 2, 3, 4, 5, 6, 7}, 0, Mean::removed));
  EXPECT_FALSE(si_snr(s, ones, 0, Mean::removed));
  EXPECT_FALSE(si_snr(Signal{}, Signal{}, 0, Mean::removed));
}

TEST(SiSnr, SaysWhereItIsUndefined) {
  const Signal silence(4, 0.0), s{1, 0, 0, 0}, other{0, 1, 0, 0};
  EXPECT_FALSE(si_snr(silence, s));
  EXPECT_FALSE(si_snr(s, silence));
  EXPECT_FALSE(si_snr(Signal{}, Signal{}));
  EXPECT_EQ(*si_snr(s, s), INFINITY);
  EXPECT_EQ(*si_snr(s, other), -INFINITY);
  EXPECT_THROW(si_snr(s, Signal{1, 2}), Error);
}

TEST(BestAssignment, EqualsBruteForceOverOutputs) {
  // Two sources, four outputs: every pair of different outputs.
  Random random(8, RandomUse::test);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<double> scores(8);
    for (double& score : scores) score = random.normal();
    double best = -1e9;
    for (int a = 0; a < 4; ++a)
      for (int b = 0; b < 4; ++b)
        if (a != b) best = std::max(best, scores[a] + scores[4 + b]);
    const auto found = best_assignment(scores, 2, 4);
    EXPECT_NE(found[0], found[1]);
    EXPECT_EQ(scores[found[0]] + scores[4 + found[1]], best);
  }
  EXPECT_EQ(best_assignment({NAN, 1, INFINITY, -INFINITY}, 2, 2), (std::vector<int64_t>{1, 0}));
  EXPECT_THROW(best_assignment({1, 2}, 2, 1), Error);
}

TEST(ScoreSeparation, MatchesSourcesToTheirOutputs) {
  const Signal a = random_signal(1), b = random_signal(2), x = mixed(a, 1, b), junk = random_signal(3);
  const auto scores = score_separation(rows({a, b}), rows({junk, mixed(b, 0.1, a), junk, mixed(a, 0.01, b)}), row(x));
  EXPECT_EQ(scores[0].output, 3);
  EXPECT_EQ(scores[1].output, 1);
  EXPECT_NEAR(*scores[0].si_snr, 40, 2);
  EXPECT_NEAR(*scores[1].si_snr, 20, 2);
  EXPECT_NEAR(*scores[0].si_snri, *scores[0].si_snr - *si_snr(a, x), 1e-12);
  EXPECT_NEAR(*mean_si_snri(scores), (*scores[0].si_snri + *scores[1].si_snri) / 2, 1e-12);
  // The mixture itself does not improve.
  EXPECT_NEAR(*mean_si_snri(score_separation(rows({a, b}), rows({x, x}), row(x))), 0, 1e-12);
}

TEST(ScoreSeparation, LeavesOutWhatIsSilent) {
  const Signal a = random_signal(1), silence(a.size(), 0.0), estimate = mixed(a, 0.1, random_signal(2));
  const auto scores =
      score_separation(rows({a, silence}), rows({silence, estimate}), row(mixed(a, 0.5, random_signal(4))));
  EXPECT_EQ(scores[0].output, 1);
  EXPECT_TRUE(scores[0].si_snri);
  EXPECT_FALSE(scores[1].si_snr || scores[1].si_snri);
  EXPECT_EQ(*mean_si_snri(scores), *scores[0].si_snri);
  // The mixture is the source: nothing to improve on.
  EXPECT_FALSE(mean_si_snri(score_separation(rows({a, silence}), rows({silence, estimate}), row(a))));
}

TEST(ScoreSeparation, RejectsOtherShapes) {
  EXPECT_THROW(score_separation(rows({{1, 2}, {3, 4}}), rows({{1, 2}}), row({1, 2})), Error);
  EXPECT_THROW(score_separation(rows({{1, 2}}), rows({{1, 2}}), row({1, 2, 3})), Error);
  EXPECT_THROW(score_best_sums(rows({{1, 2}}), rows(std::vector<Signal>(9, {1, 2})), row({1, 2})), Error);
}

TEST(ScoreBestSums, AddsOutputsUp) {
  // Each source is split over two outputs, and the leak is small.
  const Signal a = random_signal(1), b = random_signal(2), x = mixed(a, 1, b), part = random_signal(3);
  const std::vector<Signal> outputs{mixed(a, -1, part), mixed(b, 1, part), part, mixed(mixed(part, -2, part), 0.05, a)};
  const auto scores = score_best_sums(rows({a, b}), rows(outputs), row(x));
  const auto plain = score_separation(rows({a, b}), rows(outputs), row(x));
  EXPECT_GT(*scores[0].si_snr, 60);
  EXPECT_NEAR(*scores[1].si_snr, 10 * std::log10(1 / (0.05 * 0.05)), 2);
  EXPECT_LT(*plain[0].si_snr, 10);
  // An output that is silent changes nothing, and one that is the mixture goes to one source alone.
  const auto whole = score_best_sums(rows({a, b}), rows({x, Signal(x.size(), 0.0)}), row(x));
  EXPECT_TRUE(whole[0].si_snri.has_value() != whole[1].si_snri.has_value());
}

}  // namespace
}  // namespace sunder
