#include "audio/sha1.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace sunder {
namespace {

std::string hex(std::string_view message) {
  const auto digest = sha1(message);
  return fmt::format("{:08x}{:08x}{:08x}{:08x}{:08x}", digest[0], digest[1], digest[2], digest[3], digest[4]);
}

// FIPS 180-2, appendix A, and the empty message.
TEST(Sha1Test, EqualsPublishedVectors) {
  EXPECT_EQ(hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(hex(std::string(1000000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

// int(hashlib.sha1(name.encode()).hexdigest(), 16) % 2**27 * 100.0 / (2**27 - 1)
TEST(Sha1Test, PercentageIsThatOfSpeechCommands) {
  EXPECT_NEAR(hash_percentage("0a7c2a8d"), 56.83638719347408, 1e-12);
  EXPECT_NEAR(hash_percentage("caf1803e"), 91.54409014839001, 1e-12);
  EXPECT_NEAR(hash_percentage("bed"), 84.34698197504119, 1e-12);
}

}  // namespace
}  // namespace sunder
