// Exponentials and logarithms that a loop can be vectorised around: no branch, no table, no call. Every function states
// its largest error in units of the last place; tests/tensor/vector_math_test.cpp holds it to that over the whole
// range.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "tensor/simd.h"

namespace sunder {

inline constexpr double fast_exp_ulp = 1.5, fast_expm1_ulp = 2.5, fast_sigmoid_ulp = 3, fast_tanh_ulp = 4,
                        fast_log_ulp = 2;

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
  static constexpr Bits sqrt_half = 0x3f3504f3;
  static constexpr int log_terms = 4;  // of the series of atanh: 0.1716^10 / 11 < 2^-28
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
  static constexpr Bits sqrt_half = 0x3fe6a09e667f3bcd;
  static constexpr int log_terms = 10;  // 0.1716^22 / 23 < 2^-60
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

// (2 atanh(s) - 2 s) / s for z = s^2 <= 0.1716^2, by Horner's rule: the sum of 2 z^k / (2 k + 1).
template <class T, int k = 1>
SUNDER_INLINE T atanh_series(T z) {
  constexpr T coefficient = static_cast<T>(2.0L / (2 * k + 1));
  if constexpr (k == Exponent<T>::log_terms) return z * coefficient;
  else return z * (coefficient + atanh_series<T, k + 1>(z));
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

// Natural logarithm of a normal number above zero; NaN for infinity and NaN, nothing of meaning for the others.
// T: float, double.
template <class T>
SUNDER_INLINE T fast_log(T x) {
  using E = vector_math::Exponent<T>;
  // x = 2^n m, m between sqrt(1/2) and sqrt(2); n and the bias of exponents stand in the bits above the fraction.
  const typename E::Bits shifted = std::bit_cast<typename E::Bits>(x) - E::sqrt_half + (E::bias << E::shift);
  const T n = std::bit_cast<T>((shifted >> E::shift) + std::bit_cast<typename E::Bits>(E::round_magic)) -
              (E::round_magic + static_cast<T>(E::bias));
  const T m = std::bit_cast<T>((shifted & ((typename E::Bits{1} << E::shift) - 1)) + E::sqrt_half);
  // log m = 2 atanh(s) with s = f / (2 + f); 2 s is written as f - s f, whose first term is exact.
  const T f = m - T(1), s = f / (T(2) + f);
  return n * E::ln2_high - ((s * (f - vector_math::atanh_series(s * s)) - n * E::ln2_low) - f) + (x - x);
}

}  // namespace sunder
