#include "files/float16.h"

#include <bit>
#include <cmath>

namespace sunder {

namespace {
constexpr uint32_t bias_difference = 127 - 15;  // of the exponents of float32 and float16
}

float from_float16(uint16_t word) {
  const uint32_t sign = (word & 0x8000u) << 16, exponent = (word >> 10) & 0x1fu, fraction = word & 0x3ffu;
  if (exponent == 0) {
    const float tiny = static_cast<float>(fraction) * 0x1p-24f;  // zero and subnormal numbers
    return sign ? -tiny : tiny;
  }
  const uint32_t wide = exponent == 31 ? 255u : exponent + bias_difference;
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

uint16_t to_float16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), sign = (bits >> 16) & 0x8000u;
  const float size = std::abs(value);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7e00u | ((bits >> 13) & 0x3ffu));
  if (size < 0x1p-14f) return static_cast<uint16_t>(sign | static_cast<uint32_t>(std::nearbyint(size * 0x1p24f)));
  if (size >= float16_max + 16) return static_cast<uint16_t>(sign | 0x7c00u);
  // Adding half of what is cut off, less one for an even result, carries into the exponent where the fraction is full.
  const uint32_t exact = bits & 0x7fffffffu, rounded = exact + 0xfffu + ((exact >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded >> 13) - (bias_difference << 10)));
}

}  // namespace sunder
