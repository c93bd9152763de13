#include "tensor/ops/fcp_weight.h"

#include <algorithm>
#include <vector>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t points_per_chunk = 1 << 13;

// Q of n points, and the largest. mixtures: pairs, `count` signals `stride` reals apart.
template <class T>
SUNDER_SIMD T mean_power(const T* mixtures, int64_t count, int64_t stride, int64_t n, T* power) {
  const T share = T(1) / static_cast<T>(count);
  T largest = 0;
  std::fill_n(power, n, T(0));
  for (int64_t m = 0; m < count; ++m) {
    const T* y = mixtures + m * stride;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) power[i] += share * (y[2 * i] * y[2 * i] + y[2 * i + 1] * y[2 * i + 1]);
  }
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < n; ++i) largest = power[i] > largest ? power[i] : largest;
  return largest;
}

template <class T>
SUNDER_SIMD void add_floor(T* power, T floor, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) power[i] += floor;
}

}  // namespace

void cpu::fcp_weight(const Tensor& mixtures, double xi, Tensor& weights) {
  const int64_t rows = weights.size(0) * weights.size(1), points = weights.size(2) * weights.size(3);
  const int64_t shared = mixtures.size(1) / weights.size(1);
  const int64_t chunks = (points + points_per_chunk - 1) / points_per_chunk;
  visit_real("fcp_weight", weights.dtype(), [&]<class T>() {
    std::vector<T> largest(rows * chunks);
    const auto each_chunk = [&](const auto& work) {
      parallel_for(rows * chunks, 1, [&](int64_t task, int64_t) {
        const int64_t begin = task % chunks * points_per_chunk;
        work(task, begin, std::min(points_per_chunk, points - begin),
             weights.mutable_data<T>() + task / chunks * points + begin);
      });
    };
    each_chunk([&](int64_t task, int64_t begin, int64_t n, T* power) {
      const T* y = reinterpret_cast<const T*>(mixtures.raw()) + 2 * (task / chunks * shared * points + begin);
      largest[task] = mean_power(y, shared, 2 * points, n, power);
    });
    each_chunk([&](int64_t task, int64_t, int64_t n, T* power) {
      const auto first = largest.begin() + task / chunks * chunks;
      add_floor(power, static_cast<T>(xi) * *std::max_element(first, first + chunks), n);
    });
  });
}

Tensor fcp_weight(const Tensor& mixtures, int64_t groups, double xi) {
  check_dim("fcp_weight", "mixtures", mixtures, 4);
  if (!is_complex(mixtures.dtype())) throw_error("[fcp_weight] expected complex mixtures, got {}", describe(mixtures));
  if (groups < 1 || mixtures.size(1) % groups != 0 || mixtures.size(1) == 0)
    throw_error("[fcp_weight] expected a number of groups that divides the {} microphones, got {}", mixtures.size(1),
                groups);
  if (!(xi >= 0)) throw_error("[fcp_weight] expected xi of at least 0, got {}", xi);
  Tensor weights = Tensor::empty({mixtures.size(0), groups, mixtures.size(2), mixtures.size(3)},
                                 real_of(mixtures.dtype()), mixtures.stream());
  SUNDER_DISPATCH(fcp_weight, mixtures.device())(mixtures, xi, weights);
  return weights;
}

}  // namespace sunder
