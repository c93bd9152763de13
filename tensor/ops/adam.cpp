#include "tensor/ops/adam.h"

#include <cmath>

#include "tensor/ops/adam_update.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

template <class T>
SUNDER_SIMD void adam_range(T* p, T* m, T* v, const T* grad, const AdamConstants<T>& k, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) adam_update(k, grad[i], p[i], m[i], v[i]);
}

template <class T>
SUNDER_SIMD void average_range(const T* p, T* a, const AdamConstants<T>& k, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) average_update(k, p[i], a[i]);
}

}  // namespace

void cpu::adam(AdamState& state, const Tensor& grad, const Tensor& norm, const Tensor& loss,
               const AdamOptions& options) {
  visit_real("adam", grad.dtype(), [&]<class T>() {
    const double length = norm.data<T>()[0], value = loss.data<T>()[0];
    int64_t& skipped = *state.skipped.mutable_data<int64_t>();
    const bool finite = std::isfinite(length) && std::isfinite(value);
    skipped = finite ? 0 : skipped + 1;
    double* report = state.report.mutable_data<double>();
    report[0] = value;
    report[1] = length;
    report[2] = static_cast<double>(skipped);
    if (!finite) return;
    const auto step = static_cast<double>(++*state.step.mutable_data<int64_t>());
    const auto k = adam_constants<T>(options, state.learning_rate.data<T>()[0], step, length);
    T *p = state.parameters.mutable_data<T>(), *m = state.first_moment.mutable_data<T>();
    T* v = state.second_moment.mutable_data<T>();
    T* average = state.average.defined() ? state.average.mutable_data<T>() : nullptr;
    parallel_for(grad.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
      adam_range(p + begin, m + begin, v + begin, grad.data<T>() + begin, k, end - begin);
      if (average) average_range(p + begin, average + begin, k, end - begin);
    });
  });
}

void adam(AdamState& state, const Tensor& grad, const Tensor& norm, const Tensor& loss, const AdamOptions& options) {
  check_alike("adam", {&state.parameters, &state.first_moment, &state.second_moment, &state.learning_rate, &grad, &norm,
                       &loss});
  for (const Tensor* flat : {&state.parameters, &state.first_moment, &state.second_moment})
    check_shape("adam", "flat buffers", *flat, {grad.numel()});
  check_shape("adam", "grad", grad, {-1});
  if (state.average.defined() != (options.ema > 0))
    throw_error("[adam] expected an average where ema is above 0 alone, got ema {}", options.ema);
  if (state.average.defined()) {
    check_alike("adam", {&state.average, &grad});
    check_shape("adam", "the average", state.average, {grad.numel()});
  }
  for (const Tensor* number : {&norm, &loss})
    if (number->numel() != 1) throw_error("[adam] expected norm and loss of one element, got {}", describe(*number));
  check_shape("adam", "report", state.report, {3});
  for (const Tensor* counter : {&state.step, &state.skipped}) {
    check_shape("adam", "counters", *counter, {1});
    if (counter->dtype() != DType::int64) throw_error("[adam] expected int64 counters, got {}", describe(*counter));
  }
  SUNDER_DISPATCH(adam, grad.device())(state, grad, norm, loss, options);
}

}  // namespace sunder
