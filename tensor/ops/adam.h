#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double clip = 5;  // largest total L2 norm; 0: no clipping
};

// What an update reads and writes besides the gradient; every tensor lives on the parameters' device, so that a
// captured step needs nothing from the host.
struct AdamState {
  Tensor parameters, first_moment, second_moment;  // (P), one flat buffer each
  Tensor learning_rate;                            // (1), as the parameters
  Tensor step;                                     // (1) int64: updates made
  Tensor skipped;  // (1) int64: updates left out in a row because norm or loss was not finite
  Tensor report;   // (3) float64: loss, norm and skipped after the latest update, what a trainer copies to the host
};

// One update of Adam (Kingma and Ba, 2015; torch.optim.Adam without weight decay) after clipping the gradient by
// min(1, clip / (norm + 1e-6)) as torch.nn.utils.clip_grad_norm_ does. grad: (P); norm: one element, its L2 norm
// (l2_norm); loss: one element. If norm or loss is not finite (where a residual overflows the loss's slope is zero and
// the gradient may be finite) nothing but `skipped` and `report` changes. float32, float64. Throws Error for other
// shapes.
void adam(AdamState& state, const Tensor& grad, const Tensor& norm, const Tensor& loss, const AdamOptions& options);

SUNDER_KERNEL(adam, AdamState& state, const Tensor& grad, const Tensor& norm, const Tensor& loss,
              const AdamOptions& options)

}  // namespace sunder
