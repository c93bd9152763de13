// IEEE 754 binary16 ("half precision"), as model files store it: 1 sign, 5 exponent (bias 15) and 10 fraction bits.
#pragma once

#include <cstdint>

namespace sunder {

inline constexpr float float16_max = 65504.0f;

float from_float16(uint16_t word);
// Rounds to nearest, ties to even. What rounds beyond float16_max becomes infinite.
uint16_t to_float16(float value);

}  // namespace sunder
