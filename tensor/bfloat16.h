// The storage type of activations: the upper half of a float32, with its range and 8 significant bits. Arithmetic is
// float32.
#pragma once

#include <bit>
#include <cstdint>

#include "tensor/host_device.h"

namespace sunder {

struct bfloat16 {
  uint16_t bits;

  bfloat16() = default;
  // Rounds to nearest, ties to even; NaN stays NaN.
  SUNDER_HOST_DEVICE explicit bfloat16(float value) {
    const auto word = std::bit_cast<uint32_t>(value);
    const bool is_nan = (word & 0x7fffffff) > 0x7f800000;
    bits = static_cast<uint16_t>(is_nan ? 0x7fff : (word + 0x7fff + (word >> 16 & 1)) >> 16);
  }
  SUNDER_HOST_DEVICE operator float() const { return std::bit_cast<float>(uint32_t{bits} << 16); }  // NOLINT: exact
};

// The largest relative rounding error of a stored value. An op's `<op>_bfloat16_error` bounds the error of its results
// and gradients against exact arithmetic on the same inputs, relative to the largest element.
inline constexpr double bfloat16_unit = 0x1p-8;

}  // namespace sunder
