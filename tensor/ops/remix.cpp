#include "tensor/ops/remix.h"

#include <algorithm>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t block_samples = 4096;

template <class T>
SUNDER_SIMD void copy_and_add(const T* signal, bool first, T* target, T* mixture, int64_t n) {
  if (first) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) target[i] = mixture[i] = signal[i];
  } else {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      target[i] = signal[i];
      mixture[i] += signal[i];
    }
  }
}

}  // namespace

void cpu::remix(const Tensor& signals, const Tensor& order, Remixed& result) {
  const int64_t items = order.size(0), sources = order.size(1), length = signals.size(1);
  const int64_t* rows = order.data<int64_t>();
  for (int64_t i = 0; i < order.numel(); ++i)
    if (rows[i] < 0 || rows[i] >= signals.size(0))
      throw_error("[remix] expected indices from 0 to {}, got {}", signals.size(0) - 1, rows[i]);
  const int64_t blocks = (length + block_samples - 1) / block_samples;
  visit_real("remix", signals.dtype(), [&]<class T>() {
    parallel_for(items * blocks, 1, [&](int64_t task, int64_t) {
      const int64_t item = task / blocks, begin = task % blocks * block_samples;
      T* mixture = result.mixtures.mutable_data<T>() + item * length + begin;
      for (int64_t s = 0; s < sources; ++s)
        copy_and_add(signals.data<T>() + rows[item * sources + s] * length + begin, s == 0,
                     result.targets.mutable_data<T>() + (item * sources + s) * length + begin, mixture,
                     std::min(block_samples, length - begin));
    });
  });
}

Remixed remix(const Tensor& signals, const Tensor& order) {
  check_dim("remix", "signals", signals, 2);
  check_dim("remix", "order", order, 2);
  if (order.dtype() != DType::int64 || order.stream() != signals.stream() || order.size(1) < 1)
    throw_error("[remix] expected order (B, S) of int64 beside signals {}, got {}", describe(signals), describe(order));
  Remixed result{Tensor::empty({order.size(0), order.size(1), signals.size(1)}, signals.dtype(), signals.stream()),
                 Tensor::empty({order.size(0), signals.size(1)}, signals.dtype(), signals.stream())};
  SUNDER_DISPATCH(remix, signals.device())(signals, order, result);
  return result;
}

}  // namespace sunder
