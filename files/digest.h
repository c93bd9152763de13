// Digests of names and files, for splitting corpora, for seeds and to find copies; no security rests on them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sunder {

std::array<uint8_t, 20> sha1(std::string_view message);    // FIPS 180-4
std::array<uint8_t, 32> sha256(std::string_view message);  // FIPS 180-4
std::array<uint8_t, 16> md5(std::string_view message);     // RFC 1321

// A digest as an integer, the first byte highest, modulo 2^32.
template <size_t size>
uint32_t low_word(const std::array<uint8_t, size>& digest) {
  uint32_t word = 0;
  for (size_t i = size - 4; i < size; ++i) word = word << 8 | digest[i];
  return word;
}

// Where a name falls in [0, 100]: its SHA-1 as an integer modulo 2^27, times 100 / (2^27 - 1). The rule by which
// Speech Commands assigns speakers to partitions (`which_set` in its README).
double hash_percentage(std::string_view name);

}  // namespace sunder
