// Whole blocks to and from open files, whatever the system takes and gives at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sunder {

// False where the system refuses (errno; a full disk that says nothing is ENOSPC); some bytes may have been written
// then.
bool write_all(int file, std::span<const std::byte> bytes);

// Reads up to `count` bytes from `offset` on, fewer at the end of the file. False where the system refuses (errno).
bool read_at(int file, uint64_t offset, char* to, size_t& count);

}  // namespace sunder
