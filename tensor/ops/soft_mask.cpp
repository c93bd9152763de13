#include "tensor/ops/soft_mask.h"

#include <algorithm>

#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/vector_math.h"

namespace sunder {
namespace {

constexpr int64_t frames_per_chunk = 16;

// Sizes of a call, and where item b, frame t of source s begins in the estimates: (b S + s) T + t frames.
struct Sizes {
  int64_t sources, frames, bins;

  int64_t estimate(int64_t row, int64_t source) const {
    return ((row / frames * sources + source) * frames + row % frames) * bins;
  }
};

// 1 / (sum over sources of m + eps) for one frame; m: (S, F), filled with the sigmoids.
template <class T>
SUNDER_INLINE void masks(const T* logits, int64_t sources, int64_t bins, T* m, T* inverse_sum) {
#pragma omp simd
  for (int64_t f = 0; f < bins; ++f) inverse_sum[f] = T(soft_mask_eps);
  for (int64_t s = 0; s < sources; ++s) {
    const T* logit = logits + s * bins;
    T* mask = m + s * bins;
#pragma omp simd
    for (int64_t f = 0; f < bins; ++f) {
      mask[f] = fast_sigmoid(logit[f]);
      inverse_sum[f] += mask[f];
    }
  }
#pragma omp simd
  for (int64_t f = 0; f < bins; ++f) inverse_sum[f] = T(1) / inverse_sum[f];
}

// Frames [begin, end) of all items; scratch: (S + 1, F). Complex numbers are pairs.
template <class T>
SUNDER_SIMD void soft_mask_frames(const T* logits, const T* spectrum, T* estimates, Sizes sizes, int64_t begin,
                                  int64_t end, T* scratch) {
  const int64_t bins = sizes.bins;
  T *m = scratch + bins, *inverse_sum = scratch;
  for (int64_t row = begin; row < end; ++row) {
    masks(logits + row * sizes.sources * bins, sizes.sources, bins, m, inverse_sum);
    const T* x = spectrum + 2 * row * bins;
    for (int64_t s = 0; s < sizes.sources; ++s) {
      const T* mask = m + s * bins;
      T* y = estimates + 2 * sizes.estimate(row, s);
#pragma omp simd
      for (int64_t f = 0; f < bins; ++f) {
        const T share = mask[f] * inverse_sum[f];
        y[2 * f] = share * x[2 * f];
        y[2 * f + 1] = share * x[2 * f + 1];
      }
    }
  }
}

// dshare_s = Re(conj(dy_s) x), dm_s = (dshare_s - sum over sources of dshare share) / (sum m + eps),
// dlogit_s = m_s (1 - m_s) dm_s. scratch: (S + 2, F).
template <class T>
SUNDER_SIMD void soft_mask_backward_frames(const T* grad_estimates, const T* logits, const T* spectrum, T* grad_logits,
                                           Sizes sizes, int64_t begin, int64_t end, T* scratch) {
  const int64_t bins = sizes.bins;
  T *inverse_sum = scratch, *mean = scratch + bins, *m = scratch + 2 * bins;
  for (int64_t row = begin; row < end; ++row) {
    masks(logits + row * sizes.sources * bins, sizes.sources, bins, m, inverse_sum);
    const T* x = spectrum + 2 * row * bins;
#pragma omp simd
    for (int64_t f = 0; f < bins; ++f) mean[f] = 0;
    for (int64_t s = 0; s < sizes.sources; ++s) {
      const T *dy = grad_estimates + 2 * sizes.estimate(row, s), *mask = m + s * bins;
      T* dlogit = grad_logits + (row * sizes.sources + s) * bins;  // holds dshare for the moment
#pragma omp simd
      for (int64_t f = 0; f < bins; ++f) {
        dlogit[f] = dy[2 * f] * x[2 * f] + dy[2 * f + 1] * x[2 * f + 1];
        mean[f] += dlogit[f] * mask[f] * inverse_sum[f];
      }
    }
    for (int64_t s = 0; s < sizes.sources; ++s) {
      const T* mask = m + s * bins;
      T* dlogit = grad_logits + (row * sizes.sources + s) * bins;
#pragma omp simd
      for (int64_t f = 0; f < bins; ++f)
        dlogit[f] = (dlogit[f] - mean[f]) * inverse_sum[f] * (mask[f] * (T(1) - mask[f]));
    }
  }
}

// estimates: (B, S, T, F)
Sizes sizes_of(const Tensor& estimates) { return {estimates.size(1), estimates.size(2), estimates.size(3)}; }

template <class T>
T* parts(const Tensor& z) {
  return reinterpret_cast<T*>(z.raw());
}

void check(const Tensor& logits, const Tensor& spectrum, int64_t sources) {
  check_dim("soft_mask", "spectrum", spectrum, 3);
  if (sources < 1) throw_error("[soft_mask] expected at least one source, got {}", sources);
  check_shape("soft_mask", "logits", logits, {spectrum.size(0), spectrum.size(1), sources * spectrum.size(2)});
  const DType precision = compute_dtype(logits.dtype());
  if (!is_real(precision) || spectrum.dtype() != complex_of(precision) || spectrum.stream() != logits.stream())
    throw_error("[soft_mask] expected real logits and a complex spectrum of one precision on one stream, got {} and {}",
                describe(logits), describe(spectrum));
}

}  // namespace

void cpu::soft_mask_forward(const Tensor& logits, const Tensor& spectrum, Tensor& estimates) {
  const Sizes sizes = sizes_of(estimates);
  visit_real("soft_mask", logits.dtype(), [&]<class T>() {
    parallel_for(logits.size(0) * sizes.frames, frames_per_chunk, [&](int64_t begin, int64_t end) {
      const Tensor scratch = Tensor::empty({sizes.sources + 1, sizes.bins}, logits.dtype());
      soft_mask_frames(logits.data<T>(), parts<T>(spectrum), parts<T>(estimates), sizes, begin, end,
                       scratch.mutable_data<T>());
    });
  });
}

void cpu::soft_mask_backward(const Tensor& grad_estimates, const Tensor& logits, const Tensor& spectrum,
                             Tensor& grad_logits) {
  const Sizes sizes = sizes_of(grad_estimates);
  visit_real("soft_mask", logits.dtype(), [&]<class T>() {
    parallel_for(logits.size(0) * sizes.frames, frames_per_chunk, [&](int64_t begin, int64_t end) {
      const Tensor scratch = Tensor::empty({sizes.sources + 2, sizes.bins}, logits.dtype());
      soft_mask_backward_frames(parts<T>(grad_estimates), logits.data<T>(), parts<T>(spectrum),
                                grad_logits.mutable_data<T>(), sizes, begin, end, scratch.mutable_data<T>());
    });
  });
}

Tensor soft_mask(const Tensor& logits, const Tensor& spectrum, int64_t sources) {
  check(logits, spectrum, sources);
  Tensor estimates = Tensor::empty({spectrum.size(0), sources, spectrum.size(1), spectrum.size(2)}, spectrum.dtype(),
                                   spectrum.stream());
  SUNDER_DISPATCH(soft_mask_forward, logits.device())(logits, spectrum, estimates);
  return estimates;
}

Tensor soft_mask_backward(const Tensor& grad_estimates, const Tensor& logits, const Tensor& spectrum) {
  check_dim("soft_mask_backward", "grad_estimates", grad_estimates, 4);
  const int64_t sources = grad_estimates.size(1);
  check(logits, spectrum, sources);
  check_alike("soft_mask_backward", {&grad_estimates, &spectrum});
  check_shape("soft_mask_backward", "grad_estimates", grad_estimates,
              {spectrum.size(0), sources, spectrum.size(1), spectrum.size(2)});
  Tensor grad_logits = Tensor::empty_like(logits);
  SUNDER_DISPATCH(soft_mask_backward, logits.device())(grad_estimates, logits, spectrum, grad_logits);
  return grad_logits;
}

}  // namespace sunder
