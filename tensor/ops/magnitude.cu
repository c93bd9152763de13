#include "tensor/ops/magnitude.h"

#include <cmath>

#include "tensor/cuda/kernel.cuh"

// z: pairs of real and imaginary part. Floor: 3 reals an element forward, 5 backward; a thread has 16 bytes of y.
namespace sunder::cuda {
namespace {

template <int width, class T>
__global__ void magnitude_forward_kernel(const T* z, T* y, int64_t count) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    const auto parts = load<2 * width>(z + 2 * i, 2 * (count - i));
    Pack<T, width> result;
    for (int k = 0; k < width; ++k)
      result.at[k] = std::sqrt(parts.at[2 * k] * parts.at[2 * k] + parts.at[2 * k + 1] * parts.at[2 * k + 1]);
    store(y + i, result, count - i);
  }
}

template <int width, class T>
__global__ void magnitude_backward_kernel(const T* dy, const T* z, T* dz, int64_t count) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    auto parts = load<2 * width>(z + 2 * i, 2 * (count - i));
    const auto grad = load<width>(dy + i, count - i);
    for (int k = 0; k < width; ++k) {
      T &re = parts.at[2 * k], &im = parts.at[2 * k + 1];
      const T magnitude = std::sqrt(re * re + im * im);
      const T factor = magnitude > T(0) ? grad.at[k] / magnitude : T(0);
      re *= factor;
      im *= factor;
    }
    store(dz + 2 * i, parts, 2 * (count - i));
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::magnitude_forward(const Tensor& z, Tensor& y) {
  const int64_t count = y.numel();
  if (count == 0) return;
  visit_real("magnitude", y.dtype(), [&]<class T>() {
    with_pack_width<T>(0, {z.raw(), y.raw()}, [&]<int width>() {
      launch(magnitude_forward_kernel<width, T>, grid_for(ceil_div(count, width)), dim3(block_size), 0, z.stream(),
             reinterpret_cast<const T*>(z.raw()), y.mutable_data<T>(), count);
    });
  });
}

void cuda::magnitude_backward(const Tensor& grad_y, const Tensor& z, Tensor& grad_z) {
  const int64_t count = grad_y.numel();
  if (count == 0) return;
  visit_real("magnitude", grad_y.dtype(), [&]<class T>() {
    with_pack_width<T>(0, {grad_y.raw(), z.raw(), grad_z.raw()}, [&]<int width>() {
      launch(magnitude_backward_kernel<width, T>, grid_for(ceil_div(count, width)), dim3(block_size), 0, z.stream(),
             grad_y.data<T>(), reinterpret_cast<const T*>(z.raw()), reinterpret_cast<T*>(grad_z.raw()), count);
    });
  });
}

}  // namespace sunder
