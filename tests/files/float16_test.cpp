#include "files/float16.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace sunder {
namespace {

// Of all numbers that float16 has: each is its own rounding, and what lies between two neighbours goes to the nearer
// one, from half way to the one with an even pattern.
TEST(Float16Test, RoundsToTheNearestEven) {
  for (uint32_t word = 0; word < 0x7c00; ++word) {
    const auto low = static_cast<uint16_t>(word);
    const float value = from_float16(low);
    ASSERT_EQ(to_float16(value), low);
    ASSERT_EQ(to_float16(-value), low | 0x8000u);
    const auto high = static_cast<uint16_t>(word + 1);
    const float next = high == 0x7c00 ? 65536.0f : from_float16(high), middle = (value + next) / 2;
    ASSERT_EQ(to_float16(middle), word % 2 == 0 ? low : high) << word;
    ASSERT_EQ(to_float16(std::nextafter(middle, 0.0f)), low) << word;
    ASSERT_EQ(to_float16(std::nextafter(middle, INFINITY)), high) << word;
  }
}

TEST(Float16Test, KeepsWhatIsNotFinite) {
  EXPECT_EQ(to_float16(INFINITY), 0x7c00);
  EXPECT_EQ(to_float16(-1e30f), 0xfc00);
  EXPECT_TRUE(std::isnan(from_float16(to_float16(NAN))));
  EXPECT_TRUE(std::isnan(from_float16(to_float16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_EQ(to_float16(1e-30f), 0);
  EXPECT_EQ(to_float16(-1e-30f), 0x8000);
}

}  // namespace
}  // namespace sunder
