#include "tensor/ops/accumulate.h"

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

template <class T>
SUNDER_SIMD void accumulate_range(T* sum, const T* term, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) sum[i] += term[i];
}

}  // namespace

void cpu::accumulate(Tensor& sum, const Tensor& term) {
  // A complex number is two reals here.
  visit_real("accumulate", real_of(sum.dtype()), [&]<class T>() {
    const int64_t count = sum.numel() * (is_complex(sum.dtype()) ? 2 : 1);
    T* into = reinterpret_cast<T*>(sum.raw());
    const T* from = reinterpret_cast<const T*>(term.raw());
    parallel_for(count, 1 << 15, [&](int64_t begin, int64_t end) {
      accumulate_range(into + begin, from + begin, end - begin);
    });
  });
}

void accumulate(Tensor& sum, const Tensor& term) {
  check_alike("accumulate", {&sum, &term});
  check_shape("accumulate", "term", term, sum.shape());
  SUNDER_DISPATCH(accumulate, sum.device())(sum, term);
}

}  // namespace sunder
