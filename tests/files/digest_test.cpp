#include "files/digest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace sunder {
namespace {

template <size_t size>
std::string hex(const std::array<uint8_t, size>& digest) {
  std::string digits;
  for (const uint8_t byte : digest) digits += fmt::format("{:02x}", byte);
  return digits;
}

const std::string two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", million(1000000, 'a');

// FIPS 180-2, appendix A, and the empty message.
TEST(DigestTest, Sha1EqualsPublishedVectors) {
  EXPECT_EQ(hex(sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha1(two_blocks)), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(hex(sha1(million)), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

// FIPS 180-2, appendix B, and the empty message.
TEST(DigestTest, Sha256EqualsPublishedVectors) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256(two_blocks)), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(sha256(million)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// RFC 1321, appendix A.5.
TEST(DigestTest, Md5EqualsPublishedVectors) {
  EXPECT_EQ(hex(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex(md5("abcdefghijklmnopqrstuvwxyz")), "c3fcd3d76192e4007dfb496cca67e13b");
  EXPECT_EQ(hex(md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890")),
            "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(DigestTest, LowWordHoldsTheLastFourBytes) {
  EXPECT_EQ(low_word(sha1("abc")), 0x9cd0d89du);
  EXPECT_EQ(low_word(sha256("abc")), 0xf20015adu);
  EXPECT_EQ(low_word(md5("abc")), 0x28e17f72u);
}

// int(hashlib.sha1(name.encode()).hexdigest(), 16) % 2**27 * 100.0 / (2**27 - 1)
TEST(DigestTest, PercentageIsThatOfSpeechCommands) {
  EXPECT_NEAR(hash_percentage("0a7c2a8d"), 56.83638719347408, 1e-12);
  EXPECT_NEAR(hash_percentage("caf1803e"), 91.54409014839001, 1e-12);
  EXPECT_NEAR(hash_percentage("bed"), 84.34698197504119, 1e-12);
}

}  // namespace
}  // namespace sunder
