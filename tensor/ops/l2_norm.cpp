#include "tensor/ops/l2_norm.h"

#include <cmath>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t per_chunk = 1 << 15, per_sum = 1 << 10;

template <class T>
SUNDER_SIMD double sum_of_squares(const T* x, int64_t count) {
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += per_sum) {  // float32 adds few numbers before float64 takes over
    const int64_t end = begin + per_sum < count ? begin + per_sum : count;
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = begin; i < end; ++i) sum += x[i] * x[i];
    total += sum;
  }
  return total;
}

}  // namespace

void cpu::l2_norm(const Tensor& x, Tensor& norm) {
  visit_real("l2_norm", x.dtype(), [&]<class T>() {
    std::vector<double> partial((x.numel() + per_chunk - 1) / per_chunk);
    parallel_for(x.numel(), per_chunk, [&](int64_t begin, int64_t end) {
      partial[begin / per_chunk] = sum_of_squares(x.data<T>() + begin, end - begin);
    });
    double total = 0;
    for (double sum : partial) total += sum;
    *norm.mutable_data<T>() = static_cast<T>(std::sqrt(total));
  });
}

Tensor l2_norm(const Tensor& x) {
  if (!x.defined() || !is_real(x.dtype())) throw_error("[l2_norm] expected float32 or float64, got {}", describe(x));
  Tensor norm = Tensor::empty({1}, x.dtype(), x.stream());
  SUNDER_DISPATCH(l2_norm, x.device())(x, norm);
  return norm;
}

}  // namespace sunder
