// CRC-32C (Castagnoli polynomial 0x1EDC6F41, RFC 3720 appendix B.4): the checksum of TFRecords and of our manifests.
// Our own code: Debian 12 has no C or C++ library for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sunder {

// The checksum of `bytes`; with `crc`, the checksum of the data before, that of both together.
uint32_t crc32c(std::span<const std::byte> bytes, uint32_t crc = 0);
uint32_t crc32c(std::string_view text);

}  // namespace sunder
