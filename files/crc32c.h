// CRC-32C (Castagnoli polynomial 0x1EDC6F41, RFC 3720 appendix B.4): the checksum of TFRecords and of our manifests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sunder {

// Of `bytes`, or of what came before and `bytes` where `crc` is the checksum of what came before.
uint32_t crc32c(std::span<const std::byte> bytes, uint32_t crc = 0);
uint32_t crc32c(std::string_view text);

}  // namespace sunder
