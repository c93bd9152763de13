// CUDA's mathematical functions that the C library does not have, in the global namespace as nvcc declares them. The
// fast ones (__expf) are the exact ones here: a GPU's differ by a few ulp.
#pragma once

#include <math.h>

#include <bit>
#include <cmath>
#include <type_traits>

#include "emulated/types.h"

__forceinline__ float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
__forceinline__ double rsqrt(double x) { return 1.0 / std::sqrt(x); }
__forceinline__ float rsqrt(float x) { return rsqrtf(x); }
__forceinline__ float __expf(float x) { return std::exp(x); }
__forceinline__ float __logf(float x) { return std::log(x); }
__forceinline__ float __log2f(float x) { return std::log2(x); }
__forceinline__ float __log10f(float x) { return std::log10(x); }
__forceinline__ float __powf(float x, float y) { return std::pow(x, y); }
__forceinline__ float __sinf(float x) { return std::sin(x); }
__forceinline__ float __cosf(float x) { return std::cos(x); }
__forceinline__ float __fdividef(float x, float y) { return x / y; }
__forceinline__ float __frcp_rn(float x) { return 1.0f / x; }
__forceinline__ float __fsqrt_rn(float x) { return std::sqrt(x); }
__forceinline__ float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
// Products and sums that the compiler never contracts to a fused multiply-add.
__forceinline__ float __fmul_rn(float x, float y) { return x * y; }
__forceinline__ float __fadd_rn(float x, float y) { return x + y; }
__forceinline__ double __dmul_rn(double x, double y) { return x * y; }
__forceinline__ double __dadd_rn(double x, double y) { return x + y; }
__forceinline__ float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
__forceinline__ void sincospif(float x, float* sine, float* cosine) {
  *sine = static_cast<float>(std::sin(x * 3.14159265358979323846));
  *cosine = static_cast<float>(std::cos(x * 3.14159265358979323846));
}
__forceinline__ void sincospi(double x, double* sine, double* cosine) {
  *sine = std::sin(x * 3.14159265358979323846);
  *cosine = std::cos(x * 3.14159265358979323846);
}

__forceinline__ int __float_as_int(float x) { return std::bit_cast<int>(x); }
__forceinline__ unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
__forceinline__ float __int_as_float(int x) { return std::bit_cast<float>(x); }
__forceinline__ float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
__forceinline__ long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
__forceinline__ double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }

__forceinline__ int __popc(unsigned x) { return std::popcount(x); }
__forceinline__ int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
__forceinline__ int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
__forceinline__ unsigned __umulhi(unsigned x, unsigned y) {
  return static_cast<unsigned>(static_cast<unsigned long long>(x) * y >> 32);
}

// A NaN loses against a number, as on the device.
template <class T, class U>
requires(std::is_arithmetic_v<T>&& std::is_arithmetic_v<U>) __forceinline__ std::common_type_t<T, U> max(T a, U b) {
  if constexpr (std::is_floating_point_v<std::common_type_t<T, U>>) return std::fmax(a, b);
  else return static_cast<std::common_type_t<T, U>>(a) < static_cast<std::common_type_t<T, U>>(b) ? b : a;
}
template <class T, class U>
requires(std::is_arithmetic_v<T>&& std::is_arithmetic_v<U>) __forceinline__ std::common_type_t<T, U> min(T a, U b) {
  if constexpr (std::is_floating_point_v<std::common_type_t<T, U>>) return std::fmin(a, b);
  else return static_cast<std::common_type_t<T, U>>(b) < static_cast<std::common_type_t<T, U>>(a) ? b : a;
}
