// SHA-1 (FIPS 180-4), for splitting corpora by name as Speech Commands does; no security rests on it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sunder {

// The digest as five big-endian words: word 0 holds the leading 32 bits.
std::array<uint32_t, 5> sha1(std::string_view message);

// Where a name falls in [0, 100]: its digest as an integer modulo 2^27, times 100 / (2^27 - 1). The rule by which
// Speech Commands assigns speakers to partitions (`which_set` in its README).
double hash_percentage(std::string_view name);

}  // namespace sunder
