// Copies of parts of rows, whatever their type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/device.h"

namespace sunder::cuda {

// Row r of the result, `to_bytes` from to + r * to_pitch on, is a window over row r of the source: its byte j is the
// source's byte j + shift, and 0 outside the source's `from_bytes`. Everything in bytes.
struct RowWindow {
  int64_t rows, from_pitch, from_bytes, shift, to_pitch, to_bytes;
};
// Defined in tensor/ops/slice_axis.cu.
void copy_rows(const std::byte* from, std::byte* to, const RowWindow& window, Stream stream);

}  // namespace sunder::cuda
