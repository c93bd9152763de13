// Element types, and the visits that turn a run-time type into a compile-time one.
#pragma once

#include <complex>
#include <cstdint>
#include <string>

#include "tensor/error.h"

namespace sunder {

enum class DType { float32, float64, complex64, complex128, int64 };

using complex64 = std::complex<float>;
using complex128 = std::complex<double>;

size_t size_of(DType dtype);
std::string to_string(DType dtype);
inline bool is_complex(DType dtype) { return dtype == DType::complex64 || dtype == DType::complex128; }
inline bool is_real(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }
// complex64 -> float32, complex128 -> float64, anything else itself.
DType real_of(DType dtype);
// float32 -> complex64, float64 -> complex128.
DType complex_of(DType dtype);

template <class T> inline constexpr DType dtype_of = DType::float32;
template <> inline constexpr DType dtype_of<double> = DType::float64;
template <> inline constexpr DType dtype_of<complex64> = DType::complex64;
template <> inline constexpr DType dtype_of<complex128> = DType::complex128;
template <> inline constexpr DType dtype_of<int64_t> = DType::int64;

// Calls f<T>() with the type that dtype names; `op` is for the message if the type is not of the group.
template <class F>
decltype(auto) visit_real(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32: return f.template operator()<float>();
    case DType::float64: return f.template operator()<double>();
    default: throw_error("[{}] expected float32 or float64, got {}", op, to_string(dtype));
  }
}

template <class F>
decltype(auto) visit_floating(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32: return f.template operator()<float>();
    case DType::float64: return f.template operator()<double>();
    case DType::complex64: return f.template operator()<complex64>();
    case DType::complex128: return f.template operator()<complex128>();
    default: throw_error("[{}] expected a floating type, got {}", op, to_string(dtype));
  }
}

}  // namespace sunder
