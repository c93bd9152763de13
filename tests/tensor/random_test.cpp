#include "tensor/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace sunder {
namespace {

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
TEST(PhiloxTest, KnownAnswers) {
  using Words = std::array<uint32_t, 4>;
  constexpr uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomTest, SameKeySameNumbersAndEveryPartOfTheKeyMatters) {
  const auto first = [](uint64_t seed, RandomUse use, uint32_t epoch, uint64_t sample) {
    Random random(seed, use, epoch, sample);
    return (static_cast<uint64_t>(random.bits()) << 32) | random.bits();
  };
  const std::set<uint64_t> numbers = {first(1, RandomUse::swap, 2, 3),
                                      first(2, RandomUse::swap, 2, 3),
                                      first(1 + (1ull << 32), RandomUse::swap, 2, 3),
                                      first(1, RandomUse::shuffle, 2, 3),
                                      first(1, RandomUse::swap, 3, 3),
                                      first(1, RandomUse::swap, 2, 4),
                                      first(1, RandomUse::swap, 2, 3 + (1ull << 32))};
  EXPECT_EQ(numbers.size(), 7u);
  EXPECT_TRUE(numbers.contains(first(1, RandomUse::swap, 2, 3)));
}

TEST(RandomTest, BlocksFollowEachOther) {
  Random random(5, RandomUse::test);
  std::set<uint32_t> words;
  for (int i = 0; i < 1000; ++i) words.insert(random.bits());
  EXPECT_EQ(words.size(), 1000u);  // a repeated block would show at once
}

TEST(RandomTest, UniformHasItsMoments) {
  Random random(6, RandomUse::test);
  constexpr int count = 200000;
  double sum = 0, squares = 0;
  for (int i = 0; i < count; ++i) {
    const double x = random.uniform();
    ASSERT_TRUE(x >= 0 && x < 1);
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / count, 0.5, 5 * std::sqrt(1.0 / 12 / count));
  EXPECT_NEAR(squares / count, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / count));
}

TEST(RandomTest, NormalHasItsMoments) {
  Random random(7, RandomUse::test);
  constexpr int count = 200000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < count; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / count, 0, 5 / std::sqrt(count));
  EXPECT_NEAR(squares / count, 1, 5 * std::sqrt(2.0 / count));
  EXPECT_NEAR(fourth / count, 3, 5 * std::sqrt(96.0 / count));
}

TEST(RandomTest, BelowIsEvenAndInRange) {
  Random random(8, RandomUse::test);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts.at(random.below(7));
  for (int count : counts) EXPECT_NEAR(count, 10000, 5 * std::sqrt(10000.0));
  EXPECT_EQ(random.below(1), 0u);
}

TEST(RandomTest, PermutationHoldsEveryIndexOnce) {
  Random random(9, RandomUse::shuffle);
  std::vector<int64_t> order = random.permutation(1000);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 1000; ++i) ASSERT_EQ(order[i], i);
  EXPECT_TRUE(random.permutation(0).empty());
}

// All six orders of three, equally often: catches the common mistake of drawing from the whole range at every step.
TEST(RandomTest, PermutationsAreEquallyLikely) {
  Random random(10, RandomUse::shuffle);
  std::map<std::vector<int64_t>, int> counts;
  for (int i = 0; i < 60000; ++i) ++counts[random.permutation(3)];
  EXPECT_EQ(counts.size(), 6u);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 10000, 5 * std::sqrt(10000.0));
}

}  // namespace
}  // namespace sunder
