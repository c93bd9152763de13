#include "tensor/ops/isms.h"

#include "tensor/cuda/kernel.cuh"

// One warp per frame: the mean, then the variance and the slopes, with the logarithms computed again (cheaper than
// storing them); then one block per microphone sums the frames. Floor: images and mixtures once, slopes once; the same
// threads read them three times, from the L1 cache. Backward: slopes once, the gradient once.
namespace sunder::cuda {
namespace {

template <class T>
__device__ __forceinline__ T log_magnitude(const Pack<T, 2>& x, T& magnitude) {
  magnitude = std::sqrt(x.at[0] * x.at[0] + x.at[1] * x.at[1]);
  return std::log(magnitude + T(isms_eps));
}

// spectra: (frames, F); slopes, if wanted: factor * d variance / dx.
template <class T>
__global__ void frame_variance_kernel(const T* spectra, int64_t frames, int64_t bins, double factor, T* slopes,
                                      double* variances) {
  const int lane = threadIdx.x % 32;
  SUNDER_ROW_STRIDE(frame, frames, 32) {
    const T* x = spectra + 2 * frame * bins;
    T magnitude;
    double sum = 0, squares = 0;
    for (int64_t f = lane; f < bins; f += 32) sum += static_cast<double>(log_magnitude(load<2>(x + 2 * f), magnitude));
    const double mean = warp_sum(sum) / static_cast<double>(bins);
    const T scale = static_cast<T>(2 * factor / static_cast<double>(bins - 1)), centre = static_cast<T>(mean);
    for (int64_t f = lane; f < bins; f += 32) {
      const auto value = load<2>(x + 2 * f);
      const T log = log_magnitude(value, magnitude);
      const double difference = static_cast<double>(log) - mean;
      squares += difference * difference;
      if (!slopes) continue;
      const T slope = magnitude > T(0) ? scale * (log - centre) / (magnitude * (magnitude + T(isms_eps))) : T(0);
      store<2>(slopes + 2 * (frame * bins + f), Pack<T, 2>{slope * value.at[0], slope * value.at[1]});
    }
    squares = warp_sum(squares);
    if (lane == 0) variances[frame] = squares / static_cast<double>(bins - 1);
  }
}

template <class T>
__global__ void isms_finish_kernel(const double* of_images, const double* of_mixtures, int64_t sources, int64_t frames,
                                   T* loss, double* scale) {
  SUNDER_SHARED(double[block_size / 32], sums_of_warps);
  const int64_t row = blockIdx.x;
  double numerator = 0, denominator = 0;
  for (int64_t i = threadIdx.x; i < sources * frames; i += block_size)
    numerator += of_images[row * sources * frames + i];
  for (int64_t i = threadIdx.x; i < frames; i += block_size) denominator += of_mixtures[row * frames + i];
  numerator = block_sum<block_size>(numerator, sums_of_warps);
  denominator = block_sum<block_size>(denominator, sums_of_warps);
  if (threadIdx.x > 0) return;
  scale[row] = denominator > 0 ? 1 / denominator : 0.0;
  loss[row] = static_cast<T>(sources > 0 ? numerator / static_cast<double>(sources) * scale[row] : 0.0);
}

template <class T>
__global__ void isms_backward_kernel(const T* grad_loss, const double* scale, const T* slopes, int64_t count,
                                     int64_t points, T* grad_images) {
  SUNDER_GRID_STRIDE(i, count) {
    const int64_t row = i / points;
    const T factor = static_cast<T>(static_cast<double>(grad_loss[row]) * scale[row]);
    const auto slope = load<2>(slopes + 2 * i);
    store<2>(grad_images + 2 * i, Pack<T, 2>{factor * slope.at[0], factor * slope.at[1]});
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::isms_forward(const Tensor& images, const Tensor& mixtures, Isms& result) {
  const int64_t rows = images.size(0) * images.size(1), sources = images.size(2), frames = images.size(3),
                bins = images.size(4);
  const Stream stream = images.stream();
  const Tensor of_images = Tensor::empty({rows, sources, frames}, DType::float64, stream);
  const Tensor of_mixtures = Tensor::empty({rows, frames}, DType::float64, stream);
  visit_real("isms", result.loss.dtype(), [&]<class T>() {
    const auto variances = [&](const Tensor& spectra, T* slopes, const Tensor& to) {
      launch(frame_variance_kernel<T>, grid_for(to.numel() * 32), dim3(block_size), 0, stream,
             reinterpret_cast<const T*>(spectra.raw()), to.numel(), bins, 1 / static_cast<double>(sources), slopes,
             to.mutable_data<double>());
    };
    variances(images, reinterpret_cast<T*>(result.slopes.raw()), of_images);
    variances(mixtures, nullptr, of_mixtures);
    launch(isms_finish_kernel<T>, dim3(blocks_for(rows, 1)), dim3(block_size), 0, stream, of_images.data<double>(),
           of_mixtures.data<double>(), sources, frames, result.loss.mutable_data<T>(),
           result.scale.mutable_data<double>());
  });
}

void cuda::isms_backward(const Tensor& grad_loss, const Isms& forward, Tensor& grad_images) {
  const int64_t count = grad_images.numel(), rows = grad_loss.numel();
  if (count == 0) return;
  visit_real("isms", grad_loss.dtype(), [&]<class T>() {
    launch(isms_backward_kernel<T>, grid_for(count), dim3(block_size), 0, grad_loss.stream(), grad_loss.data<T>(),
           forward.scale.data<double>(), reinterpret_cast<const T*>(forward.slopes.raw()), count, count / rows,
           reinterpret_cast<T*>(grad_images.raw()));
  });
}

}  // namespace sunder
