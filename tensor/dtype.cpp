#include "tensor/dtype.h"

namespace sunder {

size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::bfloat16:
      return 2;
    case DType::float32:
      return 4;
    case DType::complex128:
      return 16;
    default:
      return 8;
  }
}

std::string to_string(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "float32";
    case DType::float64:
      return "float64";
    case DType::bfloat16:
      return "bfloat16";
    case DType::complex64:
      return "complex64";
    case DType::complex128:
      return "complex128";
    case DType::int64:
      return "int64";
  }
  return "?";
}

DType real_of(DType dtype) {
  return dtype == DType::complex64 ? DType::float32 : dtype == DType::complex128 ? DType::float64 : dtype;
}

DType complex_of(DType dtype) {
  if (!is_real(dtype)) throw_error("[complex_of] expected float32 or float64, got {}", to_string(dtype));
  return dtype == DType::float32 ? DType::complex64 : DType::complex128;
}

}  // namespace sunder
