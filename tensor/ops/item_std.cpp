#include "tensor/ops/item_std.h"

#include <cmath>
#include <vector>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t per_chunk = 1 << 14;

struct Moments {
  double sum = 0, squares = 0;
};

template <class T>
SUNDER_SIMD Moments moments(const T* x, int64_t count) {
  double sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum, squares)
  for (int64_t i = 0; i < count; ++i) {
    const double value = x[i];
    sum += value;
    squares += value * value;
  }
  return {sum, squares};
}

}  // namespace

void cpu::item_std(const Tensor& x, Tensor& deviations) {
  visit_real("item_std", x.dtype(), [&]<class T>() {
    const int64_t items = x.size(0), length = x.numel() / items, chunks = (length + per_chunk - 1) / per_chunk;
    std::vector<Moments> parts(items * chunks);
    parallel_for(items * chunks, 1, [&](int64_t part, int64_t) {
      const int64_t begin = part % chunks * per_chunk;
      parts[part] = moments(x.data<T>() + part / chunks * length + begin,
                            begin + per_chunk < length ? per_chunk : length - begin);
    });
    for (int64_t b = 0; b < items; ++b) {
      Moments all;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        all.sum += parts[b * chunks + chunk].sum;
        all.squares += parts[b * chunks + chunk].squares;
      }
      deviations.mutable_data<T>()[b] = static_cast<T>(deviation_of(all.sum, all.squares, length));
    }
  });
}

Tensor item_std(const Tensor& x) {
  if (!x.defined() || !is_real(x.dtype()) || x.dim() < 1 || (x.size(0) > 0 && x.numel() / x.size(0) < 2))
    throw_error("[item_std] expected float32 or float64 items of at least two elements, got {}", describe(x));
  Tensor deviations = Tensor::empty({x.size(0)}, x.dtype(), x.stream());
  if (x.numel() > 0) SUNDER_DISPATCH(item_std, x.device())(x, deviations);
  return deviations;
}

}  // namespace sunder
