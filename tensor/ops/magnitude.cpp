#include "tensor/ops/magnitude.h"

#include <cmath>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t numbers_per_chunk = 1 << 14;

// z: count pairs of real and imaginary part.
template <class T>
SUNDER_SIMD void magnitude_range(const T* z, T* y, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = std::sqrt(z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1]);
}

template <class T>
SUNDER_SIMD void magnitude_backward_range(const T* dy, const T* z, T* dz, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const T magnitude = std::sqrt(z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1]);
    const T factor = magnitude > T(0) ? dy[i] / magnitude : T(0);
    dz[2 * i] = factor * z[2 * i];
    dz[2 * i + 1] = factor * z[2 * i + 1];
  }
}

void check(const Tensor& z) {
  if (!z.defined() || !is_complex(z.dtype())) throw_error("[magnitude] expected a complex tensor, got {}", describe(z));
}

}  // namespace

void cpu::magnitude_forward(const Tensor& z, Tensor& y) {
  visit_real("magnitude", y.dtype(), [&]<class T>() {
    parallel_for(y.numel(), numbers_per_chunk, [&](int64_t begin, int64_t end) {
      magnitude_range(reinterpret_cast<const T*>(z.raw()) + 2 * begin, y.mutable_data<T>() + begin, end - begin);
    });
  });
}

void cpu::magnitude_backward(const Tensor& grad_y, const Tensor& z, Tensor& grad_z) {
  visit_real("magnitude", grad_y.dtype(), [&]<class T>() {
    parallel_for(grad_y.numel(), numbers_per_chunk, [&](int64_t begin, int64_t end) {
      magnitude_backward_range(grad_y.data<T>() + begin, reinterpret_cast<const T*>(z.raw()) + 2 * begin,
                               reinterpret_cast<T*>(grad_z.raw()) + 2 * begin, end - begin);
    });
  });
}

Tensor magnitude(const Tensor& z) {
  check(z);
  Tensor y = Tensor::empty(z.shape(), real_of(z.dtype()), z.stream());
  SUNDER_DISPATCH(magnitude_forward, z.device())(z, y);
  return y;
}

Tensor magnitude_backward(const Tensor& grad_y, const Tensor& z) {
  check(z);
  check_shape("magnitude_backward", "grad_y", grad_y, z.shape());
  if (grad_y.dtype() != real_of(z.dtype()) || grad_y.stream() != z.stream())
    throw_error("[magnitude_backward] expected grad_y of z's precision and stream, got {} and {}", describe(grad_y),
                describe(z));
  Tensor grad_z = Tensor::empty_like(z);
  SUNDER_DISPATCH(magnitude_backward, z.device())(grad_y, z, grad_z);
  return grad_z;
}

}  // namespace sunder
