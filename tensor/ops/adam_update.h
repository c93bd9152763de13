// Adam's arithmetic, which the CPU loop and the CUDA kernel share.
#pragma once

#include <cmath>

#include "tensor/host_device.h"
#include "tensor/ops/adam.h"

namespace sunder {

// The numbers that are the same for all elements of an update.
template <class T>
struct AdamConstants {
  T gradient_scale, decay, beta1, beta2, one_minus_beta1, one_minus_beta2, step_size, root_correction, eps;
  T average_share;  // of the parameters in their average
};

// step: counted from 1, this update included; norm: of the gradient.
template <class T>
SUNDER_HOST_DEVICE AdamConstants<T> adam_constants(const AdamOptions& options, double learning_rate, double step,
                                                   double norm) {
  const double clipped = options.clip / (norm + 1e-6);  // 1e-6: torch.nn.utils.clip_grad_norm_
  return {static_cast<T>(options.clip > 0 && clipped < 1 ? clipped : 1.0),
          static_cast<T>(1 - learning_rate * options.weight_decay),
          static_cast<T>(options.beta1),
          static_cast<T>(options.beta2),
          static_cast<T>(1 - options.beta1),
          static_cast<T>(1 - options.beta2),
          static_cast<T>(learning_rate / (1 - std::pow(options.beta1, step))),
          static_cast<T>(1 / std::sqrt(1 - std::pow(options.beta2, step))),
          static_cast<T>(options.eps),
          static_cast<T>(1 - std::fmin(options.ema, (1 + step) / (10 + step)))};
}

// One element: parameter p, moments m and v. Without weight decay `decay` is 1 and its product exact.
template <class T>
SUNDER_HOST_DEVICE void adam_update(const AdamConstants<T>& k, T gradient, T& p, T& m, T& v) {
  const T g = gradient * k.gradient_scale;
  m = k.beta1 * m + k.one_minus_beta1 * g;
  v = k.beta2 * v + k.one_minus_beta2 * g * g;
  p = k.decay * p - k.step_size * m / (std::sqrt(v) * k.root_correction + k.eps);
}

// The average a of a parameter p.
template <class T>
SUNDER_HOST_DEVICE void average_update(const AdamConstants<T>& k, T p, T& a) {
  a = a + k.average_share * (p - a);
}

}  // namespace sunder
