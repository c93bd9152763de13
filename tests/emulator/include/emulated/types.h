// CUDA's built-in vector types, with the alignment that nvcc gives them, and its execution-space keywords.
#pragma once

#include <cstddef>
#include <cstdint>

#define __host__
#define __device__
#define __global__
#define __grid_constant__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)

// clang-format off
struct uint3 { unsigned x, y, z; };
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

#define SUNDER_EMULATED_VECTORS(T, name)                                                          \
  struct alignas(2 * sizeof(T)) name##2 { T x, y; };                                              \
  struct name##3 { T x, y, z; };                                                                  \
  struct alignas(4 * sizeof(T) < 16 ? 4 * sizeof(T) : 16) name##4 { T x, y, z, w; };              \
  __forceinline__ name##2 make_##name##2(T x, T y) { return {x, y}; }                             \
  __forceinline__ name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                     \
  __forceinline__ name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
SUNDER_EMULATED_VECTORS(float, float)
SUNDER_EMULATED_VECTORS(int, int)
#undef SUNDER_EMULATED_VECTORS

struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(16) longlong2 { long long x, y; };
__forceinline__ uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
__forceinline__ uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
__forceinline__ double2 make_double2(double x, double y) { return {x, y}; }
__forceinline__ longlong2 make_longlong2(long long x, long long y) { return {x, y}; }
// clang-format on
