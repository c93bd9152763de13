#include "audio/sha1.h"

#include <bit>
#include <string>

namespace sunder {
namespace {

void compress(std::array<uint32_t, 5>& state, const char* block) {
  std::array<uint32_t, 80> w;
  for (int t = 0; t < 80; ++t) {
    w[t] = 0;
    if (t < 16)
      for (int i = 0; i < 4; ++i) w[t] = w[t] << 8 | static_cast<uint8_t>(block[4 * t + i]);
    else w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (int t = 0; t < 80; ++t) {
    uint32_t f = b ^ c ^ d, k = t < 40 ? 0x6ED9EBA1 : 0xCA62C1D6;
    if (t < 20) f = (b & c) ^ (~b & d), k = 0x5A827999;
    if (t >= 40 && t < 60) f = (b & c) ^ (b & d) ^ (c & d), k = 0x8F1BBCDC;
    const uint32_t next = std::rotl(a, 5) + f + e + k + w[t];
    e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
  }
  const std::array<uint32_t, 5> sum = {a, b, c, d, e};
  for (int i = 0; i < 5; ++i) state[i] += sum[i];
}

}  // namespace

std::array<uint32_t, 5> sha1(std::string_view message) {
  std::string padded(message);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  const uint64_t bits = uint64_t{message.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8) padded += static_cast<char>(bits >> shift);
  std::array<uint32_t, 5> state = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  for (size_t block = 0; block < padded.size(); block += 64) compress(state, &padded[block]);
  return state;
}

double hash_percentage(std::string_view name) {
  constexpr uint32_t most = (1u << 27) - 1;
  return (sha1(name)[4] & most) * (100.0 / most);
}

}  // namespace sunder
