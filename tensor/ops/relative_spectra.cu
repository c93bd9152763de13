#include "tensor/ops/relative_spectra.h"

#include <cmath>

#include "tensor/cuda/kernel.cuh"

// A thread has one bin of a frame and goes through its microphones: reads are coalesced over the bins; what a warp
// writes is one range, in as many passes as there are features, which the caches merge. Floor: the spectra once, the
// features once: 16 M bytes a bin in float32.
namespace sunder::cuda {
namespace {

template <class T>
__global__ void relative_spectra_kernel(const T* spectra, int64_t microphones, int64_t points, int64_t count,
                                        T exponent, T* features) {
  constexpr T floor = static_cast<T>(relative_spectra_floor);
  SUNDER_GRID_STRIDE_PACKS(i, count, 1) {
    const T* from = spectra + 2 * (i / points * microphones * points + i % points);
    T* to = features + 2 * microphones * i;
    const auto first = load<2>(from);
    const T first_log = T(0.5) * std::log(first.at[0] * first.at[0] + first.at[1] * first.at[1] + floor);
    to[0] = std::exp(first_log);
    to[microphones] = std::exp(exponent * first_log);
    for (int64_t m = 1; m < microphones; ++m) {
      const auto own = load<2>(from + 2 * m * points);
      const T own_log = T(0.5) * std::log(own.at[0] * own.at[0] + own.at[1] * own.at[1] + floor);
      const T factor = std::exp((exponent - T(1)) * own_log - first_log);
      to[m] = factor * (own.at[0] * first.at[0] + own.at[1] * first.at[1]);
      to[microphones + m] = factor * (own.at[1] * first.at[0] - own.at[0] * first.at[1]);
    }
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::relative_spectra(const Tensor& spectra, double exponent, Tensor& features) {
  const int64_t points = spectra.size(2) * spectra.size(3), count = spectra.size(0) * points;
  if (count == 0) return;
  visit_real("relative_spectra", features.dtype(), [&]<class T>() {
    launch(relative_spectra_kernel<T>, grid_for(count), dim3(block_size), 0, spectra.stream(),
           reinterpret_cast<const T*>(spectra.raw()), spectra.size(1), points, count, static_cast<T>(exponent),
           features.mutable_data<T>());
  });
}

}  // namespace sunder
