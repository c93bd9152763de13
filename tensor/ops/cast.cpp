#include "tensor/ops/cast.h"

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

template <class From, class To>
SUNDER_SIMD void cast_range(const From* from, To* to, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) to[i] = static_cast<To>(from[i]);
}

}  // namespace

void cpu::cast_to(const Tensor& x, Tensor& y) {
  // A complex number is two reals here.
  const int64_t count = x.numel() * (is_complex(x.dtype()) ? 2 : 1);
  visit_stored("cast", real_of(x.dtype()), [&]<class From>() {
    visit_stored("cast", real_of(y.dtype()), [&]<class To>() {
      const auto* from = reinterpret_cast<const From*>(x.raw());
      auto* to = reinterpret_cast<To*>(y.raw());
      parallel_for(count, 1 << 15,
                   [&](int64_t begin, int64_t end) { cast_range(from + begin, to + begin, end - begin); });
    });
  });
}

void cast_to(const Tensor& x, Tensor& y) {
  const bool real = is_real(compute_dtype(x.dtype())) && is_real(compute_dtype(y.dtype()));
  if ((!real && !(is_complex(x.dtype()) && is_complex(y.dtype()))) || x.dtype() == y.dtype())
    throw_error("[cast] expected two precisions of real or of complex numbers, got {} to {}", describe(x),
                to_string(y.dtype()));
  check_shape("cast", "y", y, x.shape());
  SUNDER_DISPATCH(cast_to, x.device())(x, y);
}

}  // namespace sunder
