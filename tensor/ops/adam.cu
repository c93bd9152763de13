#include "tensor/ops/adam.h"

#include <cmath>

#include "tensor/cuda/kernel.cuh"

namespace sunder::cuda {
namespace {

template <class T>
struct Constants {
  T update;  // 0: norm or loss is not finite, nothing changes
  T gradient_scale, beta1, beta2, one_minus_beta1, one_minus_beta2, step_size, root_correction, eps;
};

// One thread counts the step and leaves what the update needs on the device: a captured graph reads the present norm,
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
  const double count = static_cast<double>(++*step), clipped = options.clip / (length + 1e-6);
  *constants = {T(1),
                static_cast<T>(options.clip > 0 && clipped < 1 ? clipped : 1.0),
                static_cast<T>(options.beta1),
                static_cast<T>(options.beta2),
                static_cast<T>(1 - options.beta1),
                static_cast<T>(1 - options.beta2),
                static_cast<T>(static_cast<double>(*learning_rate) / (1 - std::pow(options.beta1, count))),
                static_cast<T>(1 / std::sqrt(1 - std::pow(options.beta2, count))),
                static_cast<T>(options.eps)};
}

// Floor: the gradient once, parameters and both moments twice: 28 bytes a float32 parameter.
template <int width, class T>
__global__ void adam_update_kernel(T* parameters, T* first_moment, T* second_moment, const T* grad,
                                   const Constants<T>* constants, int64_t count) {
  if (constants->update == 0) return;
  const Constants<T> k = *constants;
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    auto p = load<width>(parameters + i, count - i), m = load<width>(first_moment + i, count - i);
    auto v = load<width>(second_moment + i, count - i);
    const auto gradient = load<width>(grad + i, count - i);
    for (int j = 0; j < width; ++j) {
      const T g = gradient.at[j] * k.gradient_scale;
      m.at[j] = k.beta1 * m.at[j] + k.one_minus_beta1 * g;
      v.at[j] = k.beta2 * v.at[j] + k.one_minus_beta2 * g * g;
      p.at[j] -= k.step_size * m.at[j] / (std::sqrt(v.at[j]) * k.root_correction + k.eps);
    }
    store(first_moment + i, m, count - i);
    store(second_moment + i, v, count - i);
    store(parameters + i, p, count - i);
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
    launch(adam_constants_kernel<T>, dim3(1), dim3(1), 0, native(grad), norm.data<T>(), loss.data<T>(),
           state.learning_rate.data<T>(), state.step.mutable_data<int64_t>(), state.skipped.mutable_data<int64_t>(),
           state.report.mutable_data<double>(), options, constants);
    if (grad.numel() == 0) return;
    T *p = state.parameters.mutable_data<T>(), *m = state.first_moment.mutable_data<T>();
    T* v = state.second_moment.mutable_data<T>();
    with_pack_width<T>(0, {p, m, v, grad.raw()}, [&]<int width>() {
      launch(adam_update_kernel<width, T>, grid_for(ceil_div(grad.numel(), width)), dim3(block_size), 0, native(grad),
             p, m, v, grad.data<T>(), constants, grad.numel());
    });
  });
}

}  // namespace sunder
