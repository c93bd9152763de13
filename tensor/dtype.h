// Element types, and the visits that turn a run-time type into a compile-time one.
#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <type_traits>

#include "tensor/bfloat16.h"
#include "tensor/error.h"

namespace sunder {

// bfloat16 is a storage type on CUDA; kernels compute in float32.
enum class DType { float32, float64, bfloat16, complex64, complex128, int64 };

// Whether a product of float32 matrices may read its operands as TF32, which has float32's range and a 10-bit fraction:
// several times as fast on CUDA. Sums are float32 either way.
enum class Tf32 { off, on };
// The largest relative error of an operand: tensor cores truncate the other 13 bits. `<op>_tf32_error` is defined as
// `<op>_bfloat16_error` (tensor/bfloat16.h).
inline constexpr double tf32_unit = 0x1p-10;

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
// The type that kernels compute in, which is also that of the parameters: bfloat16 -> float32, anything else itself.
inline DType compute_dtype(DType dtype) { return dtype == DType::bfloat16 ? DType::float32 : dtype; }
template <class T>
using compute_type = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

template <class T>
inline constexpr DType dtype_of = DType::float32;
template <>
inline constexpr DType dtype_of<double> = DType::float64;
template <>
inline constexpr DType dtype_of<bfloat16> = DType::bfloat16;
template <>
inline constexpr DType dtype_of<complex64> = DType::complex64;
template <>
inline constexpr DType dtype_of<complex128> = DType::complex128;
template <>
inline constexpr DType dtype_of<int64_t> = DType::int64;

// Calls f<T>() with the type that dtype names; `op` is for the message if the type is not of the group.
template <class F>
decltype(auto) visit_real(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32:
      return f.template operator()<float>();
    case DType::float64:
      return f.template operator()<double>();
    default:
      throw_error("[{}] expected float32 or float64, got {}", op, to_string(dtype));
  }
}

// The same for kernels that also take bfloat16; they compute in compute_type<T>.
template <class F>
decltype(auto) visit_stored(const char* op, DType dtype, F&& f) {
  if (dtype == DType::bfloat16) return f.template operator()<bfloat16>();
  return visit_real(op, dtype, f);
}

template <class F>
decltype(auto) visit_floating(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32:
      return f.template operator()<float>();
    case DType::float64:
      return f.template operator()<double>();
    case DType::complex64:
      return f.template operator()<complex64>();
    case DType::complex128:
      return f.template operator()<complex128>();
    default:
      throw_error("[{}] expected a floating type, got {}", op, to_string(dtype));
  }
}

}  // namespace sunder
