// Stands for CUDA's bfloat16 type: the upper half of a float, rounded to nearest even.
#pragma once

#include <bit>
#include <cstdint>

#include "emulated/types.h"

struct __nv_bfloat16 {
  uint16_t bits;

  __nv_bfloat16() = default;
  __forceinline__ __nv_bfloat16(float value) {
    const auto word = std::bit_cast<uint32_t>(value);
    const bool is_nan = (word & 0x7fffffff) > 0x7f800000;
    bits = is_nan ? 0x7fff : static_cast<uint16_t>((word + 0x7fff + (word >> 16 & 1)) >> 16);
  }
  __forceinline__ operator float() const { return std::bit_cast<float>(uint32_t{bits} << 16); }
};
struct alignas(4) __nv_bfloat162 {
  __nv_bfloat16 x, y;
};

__forceinline__ __nv_bfloat16 __float2bfloat16(float value) { return value; }
__forceinline__ __nv_bfloat16 __float2bfloat16_rn(float value) { return value; }
__forceinline__ float __bfloat162float(__nv_bfloat16 value) { return value; }
__forceinline__ __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
__forceinline__ __nv_bfloat162 __float22bfloat162_rn(float2 value) { return {value.x, value.y}; }
__forceinline__ float2 __bfloat1622float2(__nv_bfloat162 value) { return {value.x, value.y}; }
