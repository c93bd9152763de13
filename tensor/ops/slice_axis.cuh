// Copies parts of rows of any element type: slice_axis and concat.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/device.h"

namespace sunder::cuda {

// Row r of the result starts at to + r * to_pitch and has `to_bytes` bytes. Its byte j is byte j + shift of row r of
// the source, or 0 where that lies outside the source row's `from_bytes`. All counts are bytes.
struct RowWindow {
  int64_t rows, from_pitch, from_bytes, shift, to_pitch, to_bytes;
};
void copy_rows(const std::byte* from, std::byte* to, const RowWindow& window, Stream stream);

}  // namespace sunder::cuda
