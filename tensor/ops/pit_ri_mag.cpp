#include "tensor/ops/pit_ri_mag.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tensor/ops/permutation.h"
#include "tensor/ops/ri_mag.h"
#include "tensor/ops/snr.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t points_per_chunk = 1 << 11;

// What is summed for one item: |mixture|, then S x S distances, [reference][estimate].
constexpr int64_t sums_of(int64_t sources) { return 1 + sources * sources; }

// Complex numbers are pairs.
template <class T>
SUNDER_SIMD double distance_of(const T* reference, const T* estimate, int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) {
    const T re = reference[2 * i], im = reference[2 * i + 1];
    sum += ri_mag(re, im, magnitude_of(re, im), estimate[2 * i], estimate[2 * i + 1]).distance;
  }
  return sum;
}

template <class T>
SUNDER_SIMD double level_of(const T* mixture, int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += magnitude_of(mixture[2 * i], mixture[2 * i + 1]);
  return sum;
}

template <class T>
SUNDER_SIMD void slopes(const T* reference, const T* estimate, T factor, T* grad, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const T re = reference[2 * i], im = reference[2 * i + 1];
    const RiMag<T> term = ri_mag(re, im, magnitude_of(re, im), estimate[2 * i], estimate[2 * i + 1]);
    grad[2 * i] = factor * term.slope_re;
    grad[2 * i + 1] = factor * term.slope_im;
  }
}

void check(const Tensor& references, const Tensor& estimates) {
  check_alike("pit_ri_mag", {&references, &estimates});
  check_dim("pit_ri_mag", "references", references, 4);
  if (!is_complex(references.dtype()) || references.size(1) < 1 || references.size(1) > pit_max_sources)
    throw_error("[pit_ri_mag] expected complex references (B, S, T, F) of 1 to {} sources, got {}", pit_max_sources,
                describe(references));
  check_shape("pit_ri_mag", "estimates", estimates, references.shape());
}

}  // namespace

void cpu::pit_ri_mag_forward(const Tensor& references, const Tensor& mixtures, const Tensor& estimates,
                             PitRiMag& result) {
  const int64_t items = references.size(0), sources = references.size(1);
  const int64_t points = references.size(2) * references.size(3);
  const int64_t chunks = (points + points_per_chunk - 1) / points_per_chunk, columns = sums_of(sources);
  std::vector<double> partial(items * chunks * columns);
  visit_real("pit_ri_mag", result.loss.dtype(), [&]<class T>() {
    parallel_for(items * chunks, 1, [&](int64_t task, int64_t) {
      const int64_t item = task / chunks, begin = task % chunks * points_per_chunk;
      const int64_t n = std::min(points_per_chunk, points - begin);
      const auto at = [&](const Tensor& spectra, int64_t signal) {
        return reinterpret_cast<const T*>(spectra.raw()) + 2 * (signal * points + begin);
      };
      double* sums = partial.data() + task * columns;
      sums[0] = level_of(at(mixtures, item), n);
      for (int64_t i = 0; i < sources * sources; ++i)
        sums[1 + i] =
            distance_of(at(references, item * sources + i / sources), at(estimates, item * sources + i % sources), n);
    });
    for (int64_t item = 0; item < items; ++item) {
      std::array<double, sums_of(pit_max_sources)> sums{};
      for (int64_t i = 0; i < chunks * columns; ++i) sums[i % columns] += partial[item * chunks * columns + i];
      const PermutationChoice best = best_permutation(sums.data() + 1, static_cast<int>(sources));
      const double scale = ri_mag_scale(sums[0]) / static_cast<double>(sources);
      result.loss.mutable_data<T>()[item] = static_cast<T>(best.cost * scale);
      result.scale.mutable_data<double>()[item] = scale;
      for (int64_t s = 0; s < sources; ++s)
        result.permutation.mutable_data<int64_t>()[item * sources + s] =
            permuted(best.permutation, static_cast<int>(s));
    }
  });
}

void cpu::pit_ri_mag_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                              const PitRiMag& forward, Tensor& grad_estimates) {
  const int64_t sources = references.size(1), points = references.size(2) * references.size(3);
  visit_real("pit_ri_mag", grad_loss.dtype(), [&]<class T>() {
    parallel_for(references.size(0) * sources, 1, [&](int64_t row, int64_t) {
      const int64_t item = row / sources, chosen = item * sources + forward.permutation.data<int64_t>()[row];
      const double factor = static_cast<double>(grad_loss.data<T>()[item]) * forward.scale.data<double>()[item];
      slopes(reinterpret_cast<const T*>(references.raw()) + 2 * row * points,
             reinterpret_cast<const T*>(estimates.raw()) + 2 * chosen * points, static_cast<T>(factor),
             reinterpret_cast<T*>(grad_estimates.raw()) + 2 * chosen * points, points);
    });
  });
}

PitRiMag pit_ri_mag(const Tensor& references, const Tensor& mixtures, const Tensor& estimates) {
  check(references, estimates);
  check_alike("pit_ri_mag", {&references, &mixtures});
  check_shape("pit_ri_mag", "mixtures", mixtures, {references.size(0), references.size(2), references.size(3)});
  const int64_t items = references.size(0);
  const Stream stream = references.stream();
  PitRiMag result{Tensor::empty({items}, real_of(references.dtype()), stream),
                  Tensor::empty({items, references.size(1)}, DType::int64, stream),
                  Tensor::empty({items}, DType::float64, stream)};
  SUNDER_DISPATCH(pit_ri_mag_forward, references.device())(references, mixtures, estimates, result);
  return result;
}

Tensor pit_ri_mag_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                           const PitRiMag& forward) {
  check(references, estimates);
  check_alike("pit_ri_mag_backward", {&grad_loss, &forward.loss});
  check_shape("pit_ri_mag_backward", "grad_loss", grad_loss, {references.size(0)});
  Tensor grad_estimates = Tensor::empty_like(estimates);
  SUNDER_DISPATCH(pit_ri_mag_backward, references.device())
  (grad_loss, references, estimates, forward, grad_estimates);
  return grad_estimates;
}

}  // namespace sunder
