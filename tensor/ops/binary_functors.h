// Functions of two elements, for CPU loops and CUDA kernels. Complex arithmetic is written out: for products, the
// compiler handles infinities by a call per element (C99 annex G), and nvcc 13.0 miscompiles a sum into a copy of its
// first operand, without a warning (std::complex's += uses GNU's __complex__).
#pragma once

#include <complex>
#include <type_traits>

#include "tensor/host_device.h"

namespace sunder {

template <class T>
inline constexpr bool is_complex_type = false;
template <class R>
inline constexpr bool is_complex_type<std::complex<R>> = true;

// a b, and a conj(b) where Conjugate is set.
template <bool Conjugate, class T>
SUNDER_HOST_DEVICE T product(T a, T b) {
  if constexpr (is_complex_type<T>) {
    const auto re = b.real(), im = Conjugate ? -b.imag() : b.imag();
    return {a.real() * re - a.imag() * im, a.real() * im + a.imag() * re};
  } else {
    return a * b;
  }
}

// a / b = a conj(b) / |b|^2; parts of b beyond the square root of the largest number overflow.
template <bool Conjugate, class T>
SUNDER_HOST_DEVICE T quotient(T a, T b) {
  if constexpr (is_complex_type<T>) {
    const auto norm = b.real() * b.real() + b.imag() * b.imag();
    const T numerator = product<!Conjugate>(a, b);
    return {numerator.real() / norm, numerator.imag() / norm};
  } else {
    return a / b;
  }
}

struct AddOp {
  template <class T>
  SUNDER_HOST_DEVICE T operator()(T a, T b) const {
    if constexpr (is_complex_type<T>) return {a.real() + b.real(), a.imag() + b.imag()};
    else return a + b;
  }
};
struct SubtractOp {
  template <class T>
  SUNDER_HOST_DEVICE T operator()(T a, T b) const {
    if constexpr (is_complex_type<T>) return {a.real() - b.real(), a.imag() - b.imag()};
    else return a - b;
  }
};
struct MultiplyOp {
  template <class T>
  SUNDER_HOST_DEVICE T operator()(T a, T b) const {
    return product<false>(a, b);
  }
};
struct MultiplyConjOp {
  template <class T>
  SUNDER_HOST_DEVICE T operator()(T a, T b) const {
    return product<true>(a, b);
  }
};
struct DivideOp {
  template <class T>
  SUNDER_HOST_DEVICE T operator()(T a, T b) const {
    return quotient<false>(a, b);
  }
};
struct DivideConjOp {
  template <class T>
  SUNDER_HOST_DEVICE T operator()(T a, T b) const {
    return quotient<true>(a, b);
  }
};
struct FirstOp {
  template <class T>
  SUNDER_HOST_DEVICE T operator()(T a, T) const {
    return a;
  }
};

// The functors that kernels are instantiated for.
#define SUNDER_BINARY(apply)                                                                                 \
  apply(AddOp) apply(SubtractOp) apply(MultiplyOp) apply(MultiplyConjOp) apply(DivideOp) apply(DivideConjOp) \
      apply(FirstOp)

}  // namespace sunder
