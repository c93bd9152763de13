#include "tensor/ops/remix.h"

#include "tensor/cuda/kernel.cuh"

namespace sunder::cuda {
namespace {

// Floor: every chosen signal once, targets and mixtures once. A thread copies a pack of every source of an item and
// sums them in the order of the sources.
template <int width, class T>
__global__ void remix_kernel(const T* signals, const int64_t* order, T* targets, T* mixtures, int64_t count,
                             int64_t sources, int64_t length) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    const int64_t item = i / length, at = i - item * length;
    Pack<T, width> sum{};
    for (int64_t s = item * sources; s < (item + 1) * sources; ++s) {
      const auto signal = load<width>(signals + order[s] * length + at);
      for (int k = 0; k < width; ++k) sum.at[k] += signal.at[k];
      store(targets + s * length + at, signal);
    }
    store(mixtures + i, sum);
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::remix(const Tensor& signals, const Tensor& order, Remixed& result) {
  const int64_t count = result.mixtures.numel(), length = signals.size(1);
  if (count == 0) return;
  visit_real("remix", signals.dtype(), [&]<class T>() {
    T *targets = result.targets.mutable_data<T>(), *mixtures = result.mixtures.mutable_data<T>();
    with_pack_width<T>(length, {signals.raw(), targets, mixtures}, [&]<int width>() {
      launch(remix_kernel<width, T>, grid_for(count / width), dim3(block_size), 0, signals.stream(), signals.data<T>(),
             order.data<int64_t>(), targets, mixtures, count, order.size(1), length);
    });
  });
}

}  // namespace sunder
