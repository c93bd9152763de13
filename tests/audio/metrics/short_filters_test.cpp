#include "audio/metrics/short_filters.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "tensor/random.h"

namespace sunder {
namespace {

using Signal = std::vector<double>;

Signal random_signal(uint64_t which, int64_t length) {
  Random random(5, RandomUse::test, 0, which);
  Signal result(length);
  for (double& x : result) x = random.normal();
  return result;
}

Signal filtered(const Signal& x, std::span<const double> h) {
  Signal result(x.size() + h.size() - 1, 0.0);
  for (size_t t = 0; t < x.size(); ++t)
    for (size_t i = 0; i < h.size(); ++i) result[t + i] += h[i] * x[t];
  return result;
}

Signal sum(const Signal& a, const Signal& b, double factor = 1) {
  Signal result = a;
  for (size_t i = 0; i < a.size(); ++i) result[i] += factor * b[i];
  return result;
}

double energy(const Signal& x) {
  double total = 0;
  for (const double value : x) total += value * value;
  return total;
}

// Lengths around a block (of 8, 16 and 2 samples) and around the 8 blocks of one call, filters of every kind of length.
const std::vector<std::array<int64_t, 2>> sizes = {{1, 8},   {7, 8},  {8, 8},    {9, 8},  {64, 8}, {65, 8},
                                                   {200, 8}, {57, 9}, {300, 13}, {40, 1}, {40, 2}, {3, 16}};

TEST(ShortFilters, CorrelationsAreTheSumsOfTheirDefinition) {
  for (const auto& [length, taps] : sizes) {
    const std::vector<Signal> s{random_signal(1, length), random_signal(2, length)};
    const std::vector<Signal> e{random_signal(3, length), random_signal(4, length), random_signal(5, length)};
    const ShortFilters filters(taps);
    std::vector<BlockedSignal> references, estimates;
    for (const Signal& x : s) references.push_back(filters.blocked(x));
    for (const Signal& x : e) estimates.push_back(filters.blocked(x));
    const Correlations found = filters.correlate(references, estimates);
    ASSERT_EQ(found.references.size(), 4u * taps);
    ASSERT_EQ(found.estimates.size(), 6u * taps);
    const auto expected = [&, length = length](const Signal& a, const Signal& b, int64_t lag) {
      double total = 0;
      for (int64_t t = lag; t < length; ++t) total += a[t - lag] * b[t];
      return total;
    };
    for (int64_t a = 0; a < 2; ++a)
      for (int64_t lag = 0; lag < taps; ++lag) {
        for (int64_t b = 0; b < 2; ++b)
          EXPECT_NEAR(found.references[(a * 2 + b) * taps + lag], expected(s[a], s[b], lag), 1e-12) << length << taps;
        for (int64_t k = 0; k < 3; ++k)
          EXPECT_NEAR(found.estimates[(a * 3 + k) * taps + lag], expected(s[a], e[k], lag), 1e-12) << length << taps;
      }
  }
}

TEST(ShortFilters, EnergiesAreThoseOfFilteredSignalsWithTheirTails) {
  for (const auto& [length, taps] : sizes) {
    const std::vector<Signal> s{random_signal(1, length), random_signal(2, length)};
    const Signal own = random_signal(6, 2 * taps), joint = random_signal(7, 2 * taps);
    Signal e = random_signal(3, length);
    const ShortFilters filters(taps);
    const std::vector<BlockedSignal> references{filters.blocked(s[0]), filters.blocked(s[1])};
    const auto found = filters.energies(references, filters.blocked(e), own, joint);
    const auto alone = filters.energies(references, filters.blocked(e), own, {});
    e.resize(length + taps - 1, 0.0);
    const std::span h(joint);
    const Signal z = sum(filtered(s[0], h.first(taps)), filtered(s[1], h.last(taps)));
    for (int64_t i = 0; i < 2; ++i) {
      const Signal y = filtered(s[i], std::span(own).subspan(i * taps, taps));
      const double close = 1e-12 * (energy(y) + energy(z) + energy(e));
      EXPECT_NEAR(found[i].target, energy(y), close) << length << " samples, " << taps << " taps";
      EXPECT_NEAR(found[i].rest, energy(sum(e, y, -1)), close) << length << " samples, " << taps << " taps";
      EXPECT_NEAR(found[i].interference, energy(sum(z, y, -1)), close);
      EXPECT_NEAR(found[i].joint, energy(z), close);
      EXPECT_NEAR(found[i].artifacts, energy(sum(e, z, -1)), close);
      EXPECT_EQ(alone[i].target, found[i].target);
      EXPECT_EQ(alone[i].rest, found[i].rest);
      EXPECT_EQ(alone[i].joint, 0);
    }
  }
}

}  // namespace
}  // namespace sunder
