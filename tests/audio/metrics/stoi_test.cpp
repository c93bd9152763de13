#include "audio/metrics/stoi.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "audio/metrics/third_octaves.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace sunder {
namespace {

using Signal = std::vector<double>;

constexpr int64_t length = 16000;

// Twenty harmonics that swell slowly, in numpy:
//   n, k = np.arange(16000.), np.arange(1, 21.)
//   x = (0.2 + np.sin(0.0004 * n) ** 2) * (np.sin(0.06 * np.outer(n, k) + 0.5 * k * k) / k).sum(axis=1)
Signal voice() {
  Signal x(length);
  for (int64_t n = 0; n < length; ++n) {
    double sum = 0;
    for (int64_t k = 1; k <= 20; ++k) sum += std::sin(0.06 * (n * k) + 0.5 * (k * k)) / k;
    x[n] = (0.2 + std::pow(std::sin(0.0004 * n), 2)) * sum;
  }
  return x;
}

// ... and v = np.modf(np.sin(12.9898 * n) * 43758.5453)[0]
Signal rough() {
  Signal v(length);
  double whole = 0;
  for (int64_t n = 0; n < length; ++n) v[n] = std::modf(std::sin(12.9898 * n) * 43758.5453, &whole);
  return v;
}

Signal mixed(const Signal& a, double factor, const Signal& b) {
  Signal result = a;
  for (size_t i = 0; i < a.size(); ++i) result[i] += factor * b[i];
  return result;
}

Signal scaled(Signal x, double factor) {
  for (double& value : x) value *= factor;
  return x;
}

TEST(Stoi, EqualsPystoiOnSignalsMadeByFormula) {
  // stoi(x, x + 0.5 * v, rate, extended) of pystoi 0.4.1, numpy 2.4.6, scipy 1.17.1.
  struct Row {
    int rate;
    double classic, extended;
  };
  for (const auto& [rate, classic, extended] :
       {Row{10000, 0.662909927, 0.237755850}, Row{8000, 0.555728633, 0.179464068}, Row{16000, 0.838570628, 0.111373359},
        Row{11025, 0.707709449, 0.032531002}}) {
    const StoiScores scores = stoi_scores(voice(), mixed(voice(), 0.5, rough()), rate);
    EXPECT_NEAR(*scores.classic.value, classic, stoi_bound) << rate << " Hz";
    EXPECT_NEAR(*scores.extended.value, extended, stoi_bound) << rate << " Hz";
  }
}

TEST(Stoi, IsOneForTheReferenceAndFallsWithNoise) {
  const Signal x = voice();
  double classic = 1 + 1e-12, extended = 1 + 1e-12;
  for (const double level : {0.0, 0.05, 0.2, 1.0, 5.0}) {
    const StoiScores scores = stoi_scores(x, mixed(x, level, rough()), 10000);
    if (level == 0) {
      EXPECT_NEAR(*scores.classic.value, 1, 1e-12);
      EXPECT_NEAR(*scores.extended.value, 1, 1e-12);
    }
    EXPECT_LT(*scores.classic.value, classic) << level;
    EXPECT_LT(*scores.extended.value, extended) << level;
    classic = *scores.classic.value;
    extended = *scores.extended.value;
  }
}

TEST(Stoi, DoesNotKnowLevelsOrSigns) {
  const Signal x = voice(), y = mixed(x, 0.5, rough());
  const StoiScores plain = stoi_scores(x, y, 8000), other = stoi_scores(scaled(x, 1e-150), scaled(y, -1e150), 8000);
  EXPECT_NEAR(*other.classic.value, *plain.classic.value, 1e-10);
  EXPECT_NEAR(*other.extended.value, *plain.extended.value, 1e-10);
}

TEST(Stoi, LooksOnlyWhereTheReferenceSpeaks) {
  // Behind the speech: digital silence in the reference, noise in the estimate. Only frames on the border remain of it.
  const Signal noise = rough();
  Signal x = voice(), y = mixed(x, 0.5, noise);
  const double before = *stoi(x, y, 10000, StoiKind::classic).value;
  x.insert(x.end(), 128 * 100, 0.0);
  for (int64_t i = 0; i < 128 * 100; ++i) y.push_back(noise[i] * 5);
  EXPECT_NEAR(*stoi(x, y, 10000, StoiKind::classic).value, before, 0.02);
}

TEST(Stoi, OneKindIsThatOfBoth) {
  const Signal x = voice(), y = mixed(x, 0.5, rough());
  const StoiScores both = stoi_scores(x, y, 10000), one = stoi_scores(x, y, 10000, true, false);
  EXPECT_EQ(*stoi(x, y, 10000, StoiKind::classic).value, *both.classic.value);
  EXPECT_EQ(*stoi(x, y, 10000, StoiKind::extended).value, *both.extended.value);
  EXPECT_STREQ(one.extended.missing, "not asked for");
}

TEST(Stoi, SaysWhyThereIsNoScore) {
  const Signal x = voice(), silence(length, 0.0);
  EXPECT_STREQ(stoi_scores(silence, x, 8000).classic.missing, "the reference is silent");
  EXPECT_STREQ(stoi_scores(x, silence, 8000).extended.missing, "the estimate is silent");
  EXPECT_STREQ(stoi_scores({}, {}, 8000).classic.missing, "the reference is silent");
  const auto cut = [&](int64_t samples) {
    const Signal part(x.begin(), x.begin() + samples);
    return stoi(part, part, 10000, StoiKind::extended);
  };
  // 31 frames are put together to 30 * 128 + 256 samples: 30 frames begin below 30 * 128.
  EXPECT_TRUE(cut(30 * 128 + 257).value);
  for (const int64_t samples : {30 * 128 + 256, 400, 256, 1}) {
    EXPECT_FALSE(cut(samples).value) << samples;
    EXPECT_STREQ(cut(samples).missing, "fewer than 30 frames of speech (0.4 s)");
  }
}

TEST(Stoi, AnEstimateThatIsEmptyWhereItCountsScoresNothing) {
  // Not silent as a whole, but in every frame in which the reference speaks; and a reference of one narrow band.
  Signal x = voice(), y(length, 0.0), tone(length);
  std::fill(x.begin() + 8000, x.end(), 0.0);
  y[length - 300] = 1;
  const StoiScores scores = stoi_scores(x, y, 10000);
  EXPECT_NEAR(*scores.classic.value, 0, 1e-9);
  EXPECT_NEAR(*scores.extended.value, 0, 1e-9);
  for (int64_t n = 0; n < length; ++n) tone[n] = std::sin(0.5 * n);
  const StoiScores narrow = stoi_scores(tone, mixed(tone, 0.1, rough()), 10000);
  EXPECT_TRUE(std::isfinite(*narrow.classic.value) && std::isfinite(*narrow.extended.value));
}

TEST(Stoi, IsTheSameInEveryThread) {
  const Signal x = voice(), y = mixed(x, 0.5, rough());
  const StoiScores alone = stoi_scores(x, y, 8000);
  std::vector<StoiScores> scores(6);
  set_num_threads(3);
  parallel_for(6, 1, [&](int64_t i, int64_t) { scores[i] = stoi_scores(x, y, 8000); });
  set_num_threads(0);
  for (const StoiScores& score : scores) {
    EXPECT_EQ(*score.classic.value, *alone.classic.value);
    EXPECT_EQ(*score.extended.value, *alone.extended.value);
  }
}

TEST(Stoi, RejectsWhatCannotBeScored) {
  const Signal x = voice();
  Signal broken = x;
  broken[5] = INFINITY;
  EXPECT_THROW(stoi_scores(x, Signal(length - 1, 1.0), 8000), Error);
  EXPECT_THROW(stoi_scores(x, x, 0), Error);
  try {
    stoi_scores(x, broken, 8000);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "[stoi] expected an estimate of finite samples, got inf at sample 5");
  }
}

TEST(ThirdOctaves, PutATonesPowerIntoItsBand) {
  // 150 Hz times 2^(j / 3), rounded to a bin (19.5 Hz), lies in band j: bands 4 and up are wide enough to hold a tone's
  // main lobe for the most part.
  for (int64_t j = 4; j < third_octave_bands; ++j) {
    const double hertz = 150 * std::pow(2, j / 3.0);
    Signal x(8000);
    for (int64_t n = 0; n < 8000; ++n) x[n] = std::sin(2 * M_PI * hertz * n / third_octave_rate);
    const ThirdOctaves bands = third_octaves_of_speech(x, x).estimate;
    EXPECT_EQ(bands.frames, (8000 - 256 + 127) / 128 - 1);
    double inside = 0, all = 0;
    for (int64_t band = 0; band < third_octave_bands; ++band) {
      const double power = std::pow(bands.values[band * bands.stride() + 20], 2);
      all += power;
      if (band == j) inside = power;
    }
    EXPECT_GT(inside / all, 0.8) << j;
  }
}

}  // namespace
}  // namespace sunder
