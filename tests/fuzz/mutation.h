// Inputs that are almost right: mutations of valid files, the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace sunder {

using Bytes = std::vector<uint8_t>;

// Changes `bytes` in up to four places: bits, bytes and blocks, header fields, numbers written as text, and parts of
// other seeds. Some lengths change.
void mutate(Bytes& bytes, const std::vector<Bytes>& seeds, std::mt19937_64& random_bits);

}  // namespace sunder
