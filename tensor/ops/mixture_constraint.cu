#include "tensor/ops/mixture_constraint.h"

#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/ri_mag.h"

// Forward: pieces of 2,048 points, eight per thread, with all speakers' images of a point; then one thread per
// microphone sums the pieces (32 at 501 x 129 points). Floor: images and mixtures once, slopes once. Backward: slopes
// once, the gradient once.
namespace sunder::cuda {
namespace {

constexpr int64_t points_per_block = 8 * block_size;

// partial: (microphones of all items, pieces, 2), distances and levels
template <class T>
__global__ void constraint_kernel(const T* images, const T* mixtures, int64_t sources, int64_t points, int64_t pieces,
                                  T* slopes, double* partial) {
  SUNDER_SHARED(double[block_size / 32], sums_of_warps);
  const int64_t row = blockIdx.x / pieces, begin = blockIdx.x % pieces * points_per_block;
  double distance = 0, level = 0;
  for (int64_t i = begin + threadIdx.x; i < points && i < begin + points_per_block; i += block_size) {
    T re = 0, im = 0;
    for (int64_t s = 0; s < sources; ++s) {
      const auto image = load<2>(images + 2 * ((row * sources + s) * points + i));
      re += image.at[0];
      im += image.at[1];
    }
    const auto y = load<2>(mixtures + 2 * (row * points + i));
    const T magnitude = magnitude_of(y.at[0], y.at[1]);
    const RiMag<T> term = ri_mag(y.at[0], y.at[1], magnitude, re, im);
    store<2>(slopes + 2 * (row * points + i), Pack<T, 2>{term.slope_re, term.slope_im});
    distance += static_cast<double>(term.distance);
    level += static_cast<double>(magnitude);
  }
  distance = block_sum<block_size>(distance, sums_of_warps);
  level = block_sum<block_size>(level, sums_of_warps);
  if (threadIdx.x == 0) {
    partial[2 * blockIdx.x] = distance;
    partial[2 * blockIdx.x + 1] = level;
  }
}

template <class T>
__global__ void constraint_finish_kernel(const double* partial, int64_t rows, int64_t pieces, T* loss, double* scale) {
  SUNDER_GRID_STRIDE(row, rows) {
    double distance = 0, level = 0;
    for (int64_t piece = row * pieces; piece < (row + 1) * pieces; ++piece) {
      distance += partial[2 * piece];
      level += partial[2 * piece + 1];
    }
    scale[row] = ri_mag_scale(level);
    loss[row] = static_cast<T>(distance * ri_mag_scale(level));
  }
}

template <class T>
__global__ void constraint_backward_kernel(const T* grad_loss, const double* scale, const T* slopes, int64_t count,
                                           int64_t sources, int64_t points, T* grad_images) {
  SUNDER_GRID_STRIDE(at, count) {  // of the slopes
    const int64_t row = at / points;
    const T factor = static_cast<T>(static_cast<double>(grad_loss[row]) * scale[row]);
    const auto slope = load<2>(slopes + 2 * at);
    for (int64_t s = 0; s < sources; ++s)
      store<2>(grad_images + 2 * (at + (row * (sources - 1) + s) * points),
               Pack<T, 2>{factor * slope.at[0], factor * slope.at[1]});
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::mixture_constraint_forward(const Tensor& images, const Tensor& mixtures, MixtureConstraint& result) {
  const int64_t rows = mixtures.size(0) * mixtures.size(1), points = mixtures.size(2) * mixtures.size(3);
  const int64_t pieces = ceil_div(points, points_per_block);
  const Stream stream = images.stream();
  const Tensor partial = Tensor::empty({rows, pieces, 2}, DType::float64, stream);
  visit_real("mixture_constraint", result.loss.dtype(), [&]<class T>() {
    launch(constraint_kernel<T>, dim3(blocks_for(rows * pieces, 1)), dim3(block_size), 0, stream,
           reinterpret_cast<const T*>(images.raw()), reinterpret_cast<const T*>(mixtures.raw()), images.size(2), points,
           pieces, reinterpret_cast<T*>(result.slopes.raw()), partial.mutable_data<double>());
    launch(constraint_finish_kernel<T>, grid_for(rows), dim3(block_size), 0, stream, partial.data<double>(), rows,
           pieces, result.loss.mutable_data<T>(), result.scale.mutable_data<double>());
  });
}

void cuda::mixture_constraint_backward(const Tensor& grad_loss, const MixtureConstraint& forward, Tensor& grad_images) {
  const int64_t points = grad_images.size(3) * grad_images.size(4), count = forward.slopes.numel();
  visit_real("mixture_constraint", grad_loss.dtype(), [&]<class T>() {
    launch(constraint_backward_kernel<T>, grid_for(count), dim3(block_size), 0, grad_loss.stream(), grad_loss.data<T>(),
           forward.scale.data<double>(), reinterpret_cast<const T*>(forward.slopes.raw()), count, grad_images.size(2),
           points, reinterpret_cast<T*>(grad_images.raw()));
  });
}

}  // namespace sunder
