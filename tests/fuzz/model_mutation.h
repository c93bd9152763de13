// Model files that are almost right. Mutations of bytes seldom come past the reader: most of these keep the file whole
// and change sizes, types, names, numbers and metadata, or let the header lie.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sunder::fuzz {

// Changes the safetensors file `data` of `size` bytes, and returns its new size, at most `max_size`.
size_t mutate_model(uint8_t* data, size_t size, size_t max_size, unsigned seed);

}  // namespace sunder::fuzz
