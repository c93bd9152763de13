#include "tensor/ops/adam.h"

#include <cmath>

#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/adam_update.h"

namespace sunder::cuda {
namespace {

template <class T>
struct Constants {
  T update;  // 0 where norm or loss is not finite: nothing changes
  AdamConstants<T> of_step;
};

// One thread counts the step and computes the constants on the device, so a captured graph uses the current norm,
// learning rate and step.
template <class T>
__global__ void adam_constants_kernel(const T* norm, const T* loss, const T* learning_rate, int64_t* step,
                                      int64_t* skipped, double* report, AdamOptions options, Constants<T>* constants) {
  const double length = *norm, value = *loss;
  const bool finite = std::isfinite(length) && std::isfinite(value);
  *skipped = finite ? 0 : *skipped + 1;
  report[0] = value;
  report[1] = length;
  report[2] = static_cast<double>(*skipped);
  if (!finite) {
    constants->update = 0;
    return;
  }
  *constants = {T(1), adam_constants<T>(options, *learning_rate, static_cast<double>(++*step), length)};
}

// Floor: the gradient once, parameters and both moments twice: 28 bytes per float32 parameter;
// the average, where there is one, twice: 8 more.
template <int width, class T>
__global__ void adam_update_kernel(T* parameters, T* first_moment, T* second_moment, T* average, const T* grad,
                                   const Constants<T>* constants, int64_t count) {
  if (constants->update == 0) return;
  const AdamConstants<T> k = constants->of_step;
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    auto p = load<width>(parameters + i, count - i), m = load<width>(first_moment + i, count - i);
    auto v = load<width>(second_moment + i, count - i);
    const auto gradient = load<width>(grad + i, count - i);
    for (int j = 0; j < width; ++j) adam_update(k, gradient.at[j], p.at[j], m.at[j], v.at[j]);
    store(first_moment + i, m, count - i);
    store(second_moment + i, v, count - i);
    store(parameters + i, p, count - i);
    if (average == nullptr) continue;
    auto a = load<width>(average + i, count - i);
    for (int j = 0; j < width; ++j) average_update(k, p.at[j], a.at[j]);
    store(average + i, a, count - i);
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::adam(AdamState& state, const Tensor& grad, const Tensor& norm, const Tensor& loss,
                const AdamOptions& options) {
  visit_real("adam", grad.dtype(), [&]<class T>() {
    const Tensor memory = Tensor::empty({sizeof(Constants<T>) / sizeof(T)}, grad.dtype(), grad.stream());
    auto* constants = reinterpret_cast<Constants<T>*>(memory.raw());
    launch(adam_constants_kernel<T>, dim3(1), dim3(1), 0, grad.stream(), norm.data<T>(), loss.data<T>(),
           state.learning_rate.data<T>(), state.step.mutable_data<int64_t>(), state.skipped.mutable_data<int64_t>(),
           state.report.mutable_data<double>(), options, constants);
    if (grad.numel() == 0) return;
    T *p = state.parameters.mutable_data<T>(), *m = state.first_moment.mutable_data<T>();
    T* v = state.second_moment.mutable_data<T>();
    T* average = state.average.defined() ? state.average.mutable_data<T>() : nullptr;
    with_pack_width<T>(0, {p, m, v, average, grad.raw()}, [&]<int width>() {
      launch(adam_update_kernel<width, T>, grid_for(ceil_div(grad.numel(), width)), dim3(block_size), 0, grad.stream(),
             p, m, v, average, grad.data<T>(), constants, grad.numel());
    });
  });
}

}  // namespace sunder
