#include "files/digest.h"

#include <bit>
#include <cmath>
#include <string>

namespace sunder {
namespace {

using Block = std::array<uint32_t, 16>;
enum class Order { big_endian, little_endian };

// Calls compress(block) for each 64 bytes of the message, a one bit, zeros and the message's length in bits.
template <class Compress>
void for_blocks(std::string_view message, Order order, const Compress& compress) {
  std::string padded(message);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  const uint64_t bits = uint64_t{message.size()} * 8;
  for (int i = 0; i < 8; ++i) padded += static_cast<char>(bits >> 8 * (order == Order::big_endian ? 7 - i : i));
  for (size_t at = 0; at < padded.size(); at += 64) {
    Block block{};
    for (int i = 0; i < 64; ++i)
      block[i / 4] |= uint32_t{static_cast<uint8_t>(padded[at + i])}
                      << 8 * (order == Order::big_endian ? 3 - i % 4 : i % 4);
    compress(block);
  }
}

void compress_sha1(std::array<uint32_t, 5>& state, const Block& block) {
  std::array<uint32_t, 80> w;
  for (int t = 0; t < 80; ++t) w[t] = t < 16 ? block[t] : std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
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

// The first 32 bits after the point of the square (SHA-256's start) and cube roots (its steps) of the first primes.
template <size_t count>
std::array<uint32_t, count> root_bits(long double (*root)(long double)) {
  std::array<uint32_t, count> bits;
  int prime = 1;
  for (uint32_t& word : bits) {
    const auto composite = [](int n) {
      for (int d = 2; d * d <= n; ++d)
        if (n % d == 0) return true;
      return false;
    };
    do ++prime;
    while (composite(prime));
    const long double value = root(prime);
    word = static_cast<uint32_t>((value - std::floor(value)) * 4294967296.0L);
  }
  return bits;
}

void compress_sha256(std::array<uint32_t, 8>& state, const Block& block) {
  static const auto steps = root_bits<64>([](long double x) { return std::cbrt(x); });
  std::array<uint32_t, 64> w;
  for (int t = 0; t < 64; ++t) {
    if (t < 16) {
      w[t] = block[t];
      continue;
    }
    const uint32_t early = w[t - 15], late = w[t - 2];
    w[t] = w[t - 16] + w[t - 7] + (std::rotr(early, 7) ^ std::rotr(early, 18) ^ early >> 3) +
           (std::rotr(late, 17) ^ std::rotr(late, 19) ^ late >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int t = 0; t < 64; ++t) {
    const uint32_t first =
        h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + steps[t] + w[t];
    const uint32_t second = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
  }
  const std::array<uint32_t, 8> sum = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i) state[i] += sum[i];
}

void compress_md5(std::array<uint32_t, 4>& state, const Block& block) {
  static constexpr int shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  auto [a, b, c, d] = state;
  for (int t = 0; t < 64; ++t) {
    const int round = t / 16;
    const uint32_t f = round == 0   ? (b & c) | (~b & d)
                       : round == 1 ? (d & b) | (~d & c)
                       : round == 2 ? b ^ c ^ d
                                    : c ^ (b | ~d);
    const int word = (round == 0 ? t : round == 1 ? 5 * t + 1 : round == 2 ? 3 * t + 5 : 7 * t) % 16;
    const auto step = static_cast<uint32_t>(std::abs(std::sin(t + 1.0L)) * 4294967296.0L);
    const uint32_t next = b + std::rotl(a + f + block[word] + step, shifts[round][t % 4]);
    a = d, d = c, c = b, b = next;
  }
  const std::array<uint32_t, 4> sum = {a, b, c, d};
  for (int i = 0; i < 4; ++i) state[i] += sum[i];
}

}  // namespace

std::array<uint32_t, 5> sha1(std::string_view message) {
  std::array<uint32_t, 5> state = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  for_blocks(message, Order::big_endian, [&](const Block& block) { compress_sha1(state, block); });
  return state;
}

std::array<uint32_t, 8> sha256(std::string_view message) {
  auto state = root_bits<8>([](long double x) { return std::sqrt(x); });
  for_blocks(message, Order::big_endian, [&](const Block& block) { compress_sha256(state, block); });
  return state;
}

std::array<uint32_t, 4> md5(std::string_view message) {
  std::array<uint32_t, 4> state = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476};
  for_blocks(message, Order::little_endian, [&](const Block& block) { compress_md5(state, block); });
  return state;
}

double hash_percentage(std::string_view name) {
  constexpr uint32_t most = (1u << 27) - 1;
  return (sha1(name)[4] & most) * (100.0 / most);
}

}  // namespace sunder
