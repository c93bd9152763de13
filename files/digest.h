// Digests of short messages, for splitting corpora by name and for seeds; no security rests on them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sunder {

// FIPS 180-4, as big-endian words: word 0 holds the leading 32 bits.
std::array<uint32_t, 5> sha1(std::string_view message);
std::array<uint32_t, 8> sha256(std::string_view message);

// RFC 1321, as its registers A to D: the first byte of the digest is the lowest of word 0.
std::array<uint32_t, 4> md5(std::string_view message);

// Where a name falls in [0, 100]: its SHA-1 as an integer modulo 2^27, times 100 / (2^27 - 1). The rule by which
// Speech Commands assigns speakers to partitions (`which_set` in its README).
double hash_percentage(std::string_view name);

}  // namespace sunder
