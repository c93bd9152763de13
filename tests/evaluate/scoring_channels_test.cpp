// Signals of several channels, sources with names, and levels at the edge of what can be scored.
#include <gtest/gtest.h>

#include <cmath>

#include "audio/metrics/bss_eval.h"
#include "audio/metrics/stoi.h"
#include "evaluate/scoring.h"
#include "tensor/random.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

using Signal = std::vector<double>;

constexpr int64_t length = 6000;

Signal noise(uint64_t seed, double level = 1) {
  Signal signal;
  for (int64_t t = 0; t < length; ++t) signal.push_back(level * Random(seed, RandomUse::test, 0, t).normal());
  return signal;
}

Signal sum(const Signal& a, const Signal& b) {
  Signal result = a;
  for (size_t t = 0; t < result.size(); ++t) result[t] += b[t];
  return result;
}

Tensor joined(const std::vector<Signal>& rows, Shape shape) {
  Signal all;
  for (const Signal& row : rows) all.insert(all.end(), row.begin(), row.end());
  return Tensor::from(all, std::move(shape));
}

std::vector<ScoreColumn> columns(const std::vector<std::string>& metrics, bool with_mixture = false) {
  return score_columns(metrics, {with_mixture ? "irm" : "none"}, {.with_mixture = with_mixture});
}

// Two sources in two channels, estimates with errors of their own, the outputs exchanged.
struct Stereo {
  Signal left1 = noise(1), right1 = noise(2, 0.1), left2 = noise(3), right2 = noise(4);
  Signal out_left1 = sum(left1, noise(5, 0.1)), out_right1 = sum(right1, noise(6, 0.1)),
         out_left2 = sum(left2, noise(7, 0.3)), out_right2 = sum(right2, noise(8, 0.01));
  ScoredSignals signals() const {
    return {.references = joined({left1, right1, left2, right2}, {2, 2, length}),
            .estimates = joined({out_left2, out_right2, out_left1, out_right1}, {2, 2, length}),
            .mixture = joined({sum(left1, left2), sum(right1, right2)}, {2, length}),
            .sample_rate = 10000};
  }
};

// SI-SDR and SNR take all channels as one signal: as if they were recorded one after the other.
TEST(ScoringChannels, PairsAreScoredOverAllChannels) {
  const Stereo stereo;
  const ScoredSignals both = stereo.signals();
  ScoredSignals behind = both;
  behind.references = both.references.reshape({2, 2 * length});
  behind.estimates = both.estimates.reshape({2, 2 * length});
  behind.mixture = both.mixture.reshape({2 * length});
  const auto wanted = columns({"si_sdr", "si_sdri", "snr"}, true);
  std::vector<ScoreColumn> scored;
  for (const ScoreColumn& column : wanted)
    if (column.system == ScoredSystem::estimate) scored.push_back(column);
  const ScoredItem item = score_item("x", both, scored, {}), plain = score_item("x", behind, scored, {});
  EXPECT_EQ(item.outputs, (std::vector<int64_t>{1, 0}));
  for (size_t s = 0; s < 2; ++s)
    for (size_t c = 0; c < scored.size(); ++c) EXPECT_EQ(*item.scores[s][c].value, *plain.scores[s][c].value);
  // By hand: the errors' energies are those of both channels, 0.02 to 1.01.
  EXPECT_NEAR(*item.scores[0][2].value, 10 * std::log10(1.01 / 0.02), 0.3);
}

// BSS-eval, STOI and PESQ are means over the channels.
TEST(ScoringChannels, OtherMetricsAreMeansOverChannels) {
  const Stereo stereo;
  ScoringOptions options{.permutation_by = "sdr"};
  options.pesq = [](std::span<const float> reference, std::span<const float> degraded, int, PesqBand) -> Score {
    EXPECT_EQ(reference.size(), static_cast<size_t>(length));
    return {static_cast<double>(degraded[0])};
  };
  const ScoredItem item =
      score_item("x", stereo.signals(), columns({"sdr", "sir", "sar", "stoi", "estoi", "pesq_wb"}), options);
  EXPECT_EQ(item.outputs, (std::vector<int64_t>{1, 0}));
  const auto left = bss_eval(joined({stereo.left1, stereo.left2}, {2, length}),
                             joined({stereo.out_left1, stereo.out_left2}, {2, length})),
             right = bss_eval(joined({stereo.right1, stereo.right2}, {2, length}),
                              joined({stereo.out_right1, stereo.out_right2}, {2, length}));
  const auto mean = [](const Score& a, const Score& b) { return (*a.value + *b.value) / 2; };
  EXPECT_NEAR(*item.scores[0][0].value, mean(left[0].sdr, right[0].sdr), 1e-9);
  EXPECT_NEAR(*item.scores[0][1].value, mean(left[0].sir, right[0].sir), 1e-9);
  EXPECT_NEAR(*item.scores[1][2].value, mean(left[3].sar, right[3].sar), 1e-9);
  EXPECT_NEAR(*item.scores[1][3].value,
              mean(stoi(stereo.left2, stereo.out_left2, 10000, StoiKind::classic),
                   stoi(stereo.right2, stereo.out_right2, 10000, StoiKind::classic)),
              1e-12);
  EXPECT_NEAR(*item.scores[0][5].value, (stereo.out_left1[0] + stereo.out_right1[0]) / 2, 1e-6);
}

// A channel without the source says nothing about it; a channel that lost it has no score.
TEST(ScoringChannels, SilentChannels) {
  Stereo stereo;
  const auto scored = columns({"sdr", "si_sdr", "stoi"});
  std::fill(stereo.right1.begin(), stereo.right1.end(), 0.0);
  const ScoredItem one_sided = score_item("x", stereo.signals(), scored, {});
  EXPECT_EQ(one_sided.skipped, "");
  EXPECT_NEAR(*one_sided.scores[0][0].value,
              *bss_eval(joined({stereo.left1, stereo.left2}, {2, length}), joined({stereo.out_left1}, {1, length}))[0]
                   .sdr.value,
              1e-6);
  std::fill(stereo.out_right2.begin(), stereo.out_right2.end(), 0.0);
  const ScoredItem lost = score_item("x", stereo.signals(), scored, {});
  EXPECT_EQ(lost.scores[1][0].value, std::nullopt);
  EXPECT_NE(lost.scores[1][0].missing, nullptr);
  EXPECT_TRUE(lost.scores[1][1].value) << "of both channels together";
  std::fill(stereo.left1.begin(), stereo.left1.end(), 0.0);
  EXPECT_EQ(score_item("x", stereo.signals(), scored, {}).skipped, "silent reference s1");
}

// Masks are made in every channel: an ideal mask of tones far apart parts them in both.
TEST(ScoringChannels, MasksAndSumsAreMadeInEveryChannel) {
  std::vector<Signal> tones(4, Signal(length));
  for (int64_t t = 0; t < length; ++t)
    for (int i = 0; i < 4; ++i)
      tones[i][t] = (i % 2 == 0 ? 1 : 0.5) * std::sin(0.1 * (i < 2 ? 1 : 7) * static_cast<double>(t));
  const Tensor references = joined(tones, {2, 2, length});
  const Tensor mixture = joined({sum(tones[0], tones[2]), sum(tones[1], tones[3])}, {2, length});
  const auto scored = score_columns({"si_sdr"}, {"irm", "mixture"}, {.with_mixture = true, .more_outputs = true});
  const ScoredItem item = score_item("x", {references, references, mixture, 8000}, scored, {});
  for (size_t s = 0; s < 2; ++s) {
    EXPECT_GT(*item.scores[s][1].value, 60) << "the sums";
    EXPECT_GT(*item.scores[s][2].value, 20) << "the masks";
    EXPECT_NEAR(*item.scores[s][3].value, 0, 0.1) << "the mixture";
  }
}

// Sources with names keep their order: no permutation makes a bad estimate look good.
TEST(ScoringChannels, NamedSourcesAreNotPermuted) {
  const Signal vocals = noise(1), bass = noise(2);
  ScoredSignals signals{.references = joined({vocals, bass}, {2, length}),
                        .estimates = joined({sum(bass, noise(3, 0.1)), sum(vocals, noise(4, 0.1))}, {2, length}),
                        .mixture = {},
                        .sample_rate = 8000,
                        .sources = {"vocals", "bass"},
                        .matched = true};
  const ScoredItem item = score_item("x", signals, columns({"si_sdr"}), {});
  EXPECT_EQ(item.sources, (std::vector<std::string>{"vocals", "bass"}));
  EXPECT_EQ(item.outputs, (std::vector<int64_t>{0, 1}));
  EXPECT_LT(*item.scores[0][0].value, -10);
  signals.matched = false;
  EXPECT_GT(*score_item("x", signals, columns({"si_sdr"}), {}).scores[0][0].value, 15);
}

// Squares of such samples are no doubles: an item without scores, never NaN.
TEST(ScoringChannels, LevelsBeyondADoublesSquaresAreRefused) {
  const auto score = [](double reference, double estimate) {
    return score_item("x",
                      {joined({noise(1, reference)}, {1, length}), joined({noise(1, estimate)}, {1, length}), {}, 8000},
                      columns({"snr", "si_sdr"}), {});
  };
  expect_error<Error>([&] { score(1, 1e200); }, {"estimate 1 is too loud to be scored", "e+20"});
  expect_error<Error>([&] { score(1e-200, 1); }, {"reference 1 is too quiet to be scored"});
  EXPECT_TRUE(score(1e-45, 1e38).scores[0][0].value);
}

// 12 outputs for 12 sources are 479 million matches.
TEST(ScoringChannels, TooManyMatchesAreRefused) {
  const Tensor many = Tensor::full({12, 10}, 1, DType::float32);
  expect_error<Error>(
      [&] {
        score_item("x", {many, many, {}, 8000}, columns({"si_sdr"}), {});
      },
      {"ways to match", "12 sources"});
}

}  // namespace
}  // namespace sunder
