#include "tensor/ops/isms.h"

#include <cmath>
#include <vector>

#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/vector_math.h"

namespace sunder {
namespace {

constexpr int64_t frames_per_chunk = 16;

// The variance of a frame's log magnitudes; where slopes are wanted, these are factor * d variance / dx. Complex
// numbers are pairs; logs: (2, F) scratch.
template <class T>
SUNDER_SIMD double frame_variance(const T* x, int64_t bins, double factor, T* logs, T* slopes) {
  T* magnitudes = logs + bins;
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t f = 0; f < bins; ++f) {
    magnitudes[f] = std::sqrt(x[2 * f] * x[2 * f] + x[2 * f + 1] * x[2 * f + 1]);
    logs[f] = fast_log(magnitudes[f] + T(isms_eps));
    sum += logs[f];
  }
  const double mean = sum / static_cast<double>(bins);
  double squares = 0;
#pragma omp simd reduction(+ : squares)
  for (int64_t f = 0; f < bins; ++f) {
    const double difference = logs[f] - mean;
    squares += difference * difference;
  }
  if (slopes) {
    const T scale = static_cast<T>(2 * factor / static_cast<double>(bins - 1)), centre = static_cast<T>(mean);
#pragma omp simd
    for (int64_t f = 0; f < bins; ++f) {
      const T m = magnitudes[f];
      const T slope = m > T(0) ? scale * (logs[f] - centre) / (m * (m + T(isms_eps))) : T(0);
      slopes[2 * f] = slope * x[2 * f];
      slopes[2 * f + 1] = slope * x[2 * f + 1];
    }
  }
  return squares / static_cast<double>(bins - 1);
}

template <class T>
SUNDER_SIMD void scaled(const T* x, T factor, T* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = factor * x[i];
}

}  // namespace

void cpu::isms_forward(const Tensor& images, const Tensor& mixtures, Isms& result) {
  const int64_t rows = images.size(0) * images.size(1), sources = images.size(2), frames = images.size(3),
                bins = images.size(4);
  visit_real("isms", result.loss.dtype(), [&]<class T>() {
    const T *x = reinterpret_cast<const T*>(images.raw()), *y = reinterpret_cast<const T*>(mixtures.raw());
    T* slopes = reinterpret_cast<T*>(result.slopes.raw());
    const double share = 1 / static_cast<double>(sources);
    std::vector<double> of_images(rows * frames, 0.0), of_mixture(rows * frames);
    parallel_for(rows * frames, frames_per_chunk, [&](int64_t begin, int64_t end) {
      std::vector<T> logs(2 * bins);
      for (int64_t frame = begin; frame < end; ++frame) {
        of_mixture[frame] = frame_variance<T>(y + 2 * frame * bins, bins, 0, logs.data(), nullptr);
        for (int64_t s = 0; s < sources; ++s) {
          const int64_t at = 2 * ((frame / frames * sources + s) * frames + frame % frames) * bins;
          of_images[frame] += share * frame_variance<T>(x + at, bins, share, logs.data(), slopes + at);
        }
      }
    });
    for (int64_t row = 0; row < rows; ++row) {
      double numerator = 0, denominator = 0;
      for (int64_t frame = row * frames; frame < (row + 1) * frames; ++frame) {
        numerator += of_images[frame];
        denominator += of_mixture[frame];
      }
      const double scale = denominator > 0 ? 1 / denominator : 0.0;
      result.scale.mutable_data<double>()[row] = scale;
      result.loss.mutable_data<T>()[row] = static_cast<T>(numerator * scale);
    }
  });
}

void cpu::isms_backward(const Tensor& grad_loss, const Isms& forward, Tensor& grad_images) {
  const int64_t sources = grad_images.size(2), points = grad_images.size(3) * grad_images.size(4);
  visit_real("isms", grad_loss.dtype(), [&]<class T>() {
    parallel_for(grad_loss.numel() * sources, 1, [&](int64_t image, int64_t) {
      const int64_t row = image / sources;
      const double factor = static_cast<double>(grad_loss.data<T>()[row]) * forward.scale.data<double>()[row];
      scaled(reinterpret_cast<const T*>(forward.slopes.raw()) + 2 * image * points, static_cast<T>(factor),
             reinterpret_cast<T*>(grad_images.raw()) + 2 * image * points, 2 * points);
    });
  });
}

Isms isms(const Tensor& images, const Tensor& mixtures) {
  check_dim("isms", "images", images, 5);
  if (!is_complex(images.dtype()) || images.size(4) < 2)
    throw_error("[isms] expected complex images of at least 2 bins, got {}", describe(images));
  check_alike("isms", {&images, &mixtures});
  check_shape("isms", "mixtures", mixtures, {images.size(0), images.size(1), images.size(3), images.size(4)});
  const Shape rows{images.size(0), images.size(1)};
  Isms result{Tensor::empty(rows, real_of(images.dtype()), images.stream()),
              Tensor::empty(rows, DType::float64, images.stream()), Tensor::empty_like(images)};
  SUNDER_DISPATCH(isms_forward, images.device())(images, mixtures, result);
  return result;
}

Tensor isms_backward(const Tensor& grad_loss, const Isms& forward) {
  check_alike("isms_backward", {&grad_loss, &forward.loss});
  check_shape("isms_backward", "grad_loss", grad_loss, forward.loss.shape());
  Tensor grad_images = Tensor::empty_like(forward.slopes);
  SUNDER_DISPATCH(isms_backward, grad_images.device())(grad_loss, forward, grad_images);
  return grad_images;
}

}  // namespace sunder
