// Exponentials that a loop can be vectorised around: no branch, no table, no call. Every function states its largest
// error in units of the last place; tests/tensor/vector_math_test.cpp holds it to that over the whole range.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "tensor/simd.h"

namespace sunder {

inline constexpr double fast_exp_ulp = 1.5, fast_expm1_ulp = 2.5, fast_sigmoid_ulp = 3, fast_tanh_ulp = 4;

namespace vector_math {

template <class T>
struct Exponent;

template <>
struct Exponent<float> {
  using Bits = uint32_t;
  static constexpr float round_magic = 0x1.8p23f;  // x + magic has the integer nearest to x in its low bits
  static constexpr Bits bias = 127, shift = 23;
  static constexpr float lowest = -104, highest = 89;  // exp is 0 and infinity outside
  static constexpr float ln2_high = 0x1.63p-1f;        // 9 bits, so that n * ln2_high is exact
  static constexpr float ln2_low = -0x1.bd0106p-13f;   // ln2 - ln2_high
  static constexpr int terms = 7;                      // of the Taylor series: (ln2/2)^8 / 8! < 2^-27
};

template <>
struct Exponent<double> {
  using Bits = uint64_t;
  static constexpr double round_magic = 0x1.8p52;
  static constexpr Bits bias = 1023, shift = 52;
  static constexpr double lowest = -746, highest = 710;
  static constexpr double ln2_high = 0x1.62e42fefap-1;  // 36 bits
  static constexpr double ln2_low = 0x1.cf79abc9e3b3ap-40;
  static constexpr int terms = 13;  // (ln2/2)^14 / 14! < 2^-57
};

template <class T>
consteval T inverse_factorial(int n) {
  double product = 1;
  for (int i = 2; i <= n; ++i) product *= i;
  return static_cast<T>(1 / product);
}

// (e^r - 1 - r) / r^2 for |r| <= ln2 / 2, by Horner's rule from 1/terms! down to 1/2!.
template <class T, int k = 2>
SUNDER_INLINE T series(T r) {
  constexpr T coefficient = inverse_factorial<T>(k);
  if constexpr (k == Exponent<T>::terms) return coefficient;
  else return coefficient + r * series<T, k + 1>(r);
}

// x = n ln2 + r; returns n, a whole number.
template <class T>
SUNDER_INLINE T reduce(T x, T& r) {
  using E = Exponent<T>;
  const T n = (x * T(1.4426950408889634) + E::round_magic) - E::round_magic;
  r = (x - n * E::ln2_high) - n * E::ln2_low;
  return n;
}

// 2^n for a whole n whose result is a normal number.
template <class T>
SUNDER_INLINE T power_of_two(T n) {
  using E = Exponent<T>;
  return std::bit_cast<T>((std::bit_cast<typename E::Bits>(n + E::round_magic) + E::bias) << E::shift);
}

}  // namespace vector_math

// e^x; results below the smallest normal number are rounded once more, NaN stays NaN. T: float, double.
template <class T>
SUNDER_INLINE T fast_exp(T x) {
  using E = vector_math::Exponent<T>;
  x = x < E::lowest ? E::lowest : x;
  x = x > E::highest ? E::highest : x;
  T r;
  const T n = vector_math::reduce(x, r);
  // 2^n may be infinite or denormal where e^x is not: two factors.
  const T half = (n * T(0.5) + E::round_magic) - E::round_magic;
  const T mantissa = T(1) + (r + r * r * vector_math::series(r));
  return mantissa * vector_math::power_of_two(half) * vector_math::power_of_two(n - half);
}

// e^x - 1 without cancellation, for x <= 80. T: float, double.
template <class T>
SUNDER_INLINE T fast_expm1(T x) {
  using E = vector_math::Exponent<T>;
  constexpr T lowest = -(T(E::shift) + 2);  // -1 to the last bit below
  x = x < lowest ? lowest : x;
  T r;
  const T scale = vector_math::power_of_two(vector_math::reduce(x, r));
  return scale * (r + r * r * vector_math::series(r)) + (scale - T(1));
}

// 1 / (1 + e^-x). T: float, double.
template <class T>
SUNDER_INLINE T fast_sigmoid(T x) {
  // Of the two equal forms the one with e^-|x| keeps its relative error at both ends.
  const T e = fast_exp(-std::abs(x));
  return (x < T(0) ? e : T(1)) / (T(1) + e);
}

// T: float, double.
template <class T>
SUNDER_INLINE T fast_tanh(T x) {
  constexpr T saturated = 22;  // 1 to the last bit from here
  const T magnitude = std::abs(x) > saturated ? saturated : std::abs(x);
  const T t = fast_expm1(T(2) * magnitude);
  return std::copysign(t / (t + T(2)), x);
}

}  // namespace sunder
