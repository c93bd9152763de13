#include "tensor/ops/mixture_constraint.h"

#include <algorithm>
#include <vector>

#include "tensor/ops/ri_mag.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t points_per_chunk = 1 << 11;

// sums[0] += distances, sums[1] += |Y| of n points. images: `sources` of them `stride` reals apart; complex numbers are
// pairs.
template <class T>
SUNDER_SIMD void constraint_points(const T* images, int64_t sources, int64_t stride, const T* mixture, int64_t n,
                                   T* slopes, double* sums) {
  std::fill_n(slopes, 2 * n, T(0));  // holds the sum of the images for the moment
  for (int64_t s = 0; s < sources; ++s) {
#pragma omp simd
    for (int64_t i = 0; i < 2 * n; ++i) slopes[i] += images[s * stride + i];
  }
  double distance = 0, level = 0;
#pragma omp simd reduction(+ : distance, level)
  for (int64_t i = 0; i < n; ++i) {
    const T re = mixture[2 * i], im = mixture[2 * i + 1], magnitude = magnitude_of(re, im);
    const RiMag<T> term = ri_mag(re, im, magnitude, slopes[2 * i], slopes[2 * i + 1]);
    slopes[2 * i] = term.slope_re;
    slopes[2 * i + 1] = term.slope_im;
    distance += term.distance;
    level += magnitude;
  }
  sums[0] = distance;
  sums[1] = level;
}

template <class T>
SUNDER_SIMD void scaled(const T* x, T factor, T* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = factor * x[i];
}

}  // namespace

void cpu::mixture_constraint_forward(const Tensor& images, const Tensor& mixtures, MixtureConstraint& result) {
  const int64_t rows = mixtures.size(0) * mixtures.size(1), points = mixtures.size(2) * mixtures.size(3);
  const int64_t sources = images.size(2), chunks = (points + points_per_chunk - 1) / points_per_chunk;
  visit_real("mixture_constraint", result.loss.dtype(), [&]<class T>() {
    std::vector<double> partial(2 * rows * chunks);
    parallel_for(rows * chunks, 1, [&](int64_t task, int64_t) {
      const int64_t row = task / chunks, begin = task % chunks * points_per_chunk, at = 2 * (row * points + begin);
      constraint_points(reinterpret_cast<const T*>(images.raw()) + 2 * (row * sources * points + begin), sources,
                        2 * points, reinterpret_cast<const T*>(mixtures.raw()) + at,
                        std::min(points_per_chunk, points - begin), reinterpret_cast<T*>(result.slopes.raw()) + at,
                        partial.data() + 2 * task);
    });
    for (int64_t row = 0; row < rows; ++row) {
      double distance = 0, level = 0;
      for (int64_t chunk = row * chunks; chunk < (row + 1) * chunks; ++chunk) {
        distance += partial[2 * chunk];
        level += partial[2 * chunk + 1];
      }
      result.scale.mutable_data<double>()[row] = ri_mag_scale(level);
      result.loss.mutable_data<T>()[row] = static_cast<T>(distance * ri_mag_scale(level));
    }
  });
}

void cpu::mixture_constraint_backward(const Tensor& grad_loss, const MixtureConstraint& forward, Tensor& grad_images) {
  const int64_t sources = grad_images.size(2), points = grad_images.size(3) * grad_images.size(4);
  visit_real("mixture_constraint", grad_loss.dtype(), [&]<class T>() {
    parallel_for(grad_loss.numel() * sources, 1, [&](int64_t image, int64_t) {
      const int64_t row = image / sources;
      const double factor = static_cast<double>(grad_loss.data<T>()[row]) * forward.scale.data<double>()[row];
      scaled(reinterpret_cast<const T*>(forward.slopes.raw()) + 2 * row * points, static_cast<T>(factor),
             reinterpret_cast<T*>(grad_images.raw()) + 2 * image * points, 2 * points);
    });
  });
}

MixtureConstraint mixture_constraint(const Tensor& images, const Tensor& mixtures) {
  check_dim("mixture_constraint", "images", images, 5);
  if (!is_complex(images.dtype()))
    throw_error("[mixture_constraint] expected complex images, got {}", describe(images));
  check_alike("mixture_constraint", {&images, &mixtures});
  check_shape("mixture_constraint", "mixtures", mixtures,
              {images.size(0), images.size(1), images.size(3), images.size(4)});
  const Shape rows{images.size(0), images.size(1)};
  MixtureConstraint result{Tensor::empty(rows, real_of(images.dtype()), images.stream()),
                           Tensor::empty(rows, DType::float64, images.stream()), Tensor::empty_like(mixtures)};
  SUNDER_DISPATCH(mixture_constraint_forward, images.device())(images, mixtures, result);
  return result;
}

Tensor mixture_constraint_backward(const Tensor& grad_loss, const MixtureConstraint& forward, int64_t sources) {
  check_alike("mixture_constraint_backward", {&grad_loss, &forward.loss});
  check_shape("mixture_constraint_backward", "grad_loss", grad_loss, forward.loss.shape());
  const Tensor& slopes = forward.slopes;
  Tensor grad_images = Tensor::empty({slopes.size(0), slopes.size(1), sources, slopes.size(2), slopes.size(3)},
                                     slopes.dtype(), slopes.stream());
  SUNDER_DISPATCH(mixture_constraint_backward, slopes.device())(grad_loss, forward, grad_images);
  return grad_images;
}

}  // namespace sunder
