#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double clip = 5;          // the largest L2 norm of the gradient; 0: no clipping
  double weight_decay = 0;  // decoupled from the gradient, as in AdamW
  double ema = 0;           // decay rate of the average of the parameters; 0: there is none
};

// What an update reads and writes besides the gradient. All of it is on the parameters' device, so a captured step
// needs nothing from the host.
struct AdamState {
  Tensor parameters, first_moment, second_moment;  // (P), one flat buffer each
  Tensor learning_rate;                            // (1), as the parameters
  Tensor step;                                     // (1) int64: updates made
  Tensor skipped;    // (1) int64: consecutive updates skipped because norm or loss was not finite
  Tensor report;     // (3) float64: loss, norm and skipped after the latest update, which a trainer copies to the host
  Tensor average{};  // (P), the average of the parameters; undefined where ema is 0
};

// One update of Adam (Kingma and Ba, ICLR 2015) or, with weight_decay above 0, AdamW (Loshchilov and Hutter, ICLR
// 2019), as in torch.optim.Adam and torch.optim.AdamW:
//   g = grad * min(1, clip / (norm + 1e-6))                (torch.nn.utils.clip_grad_norm_)
//   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
//   p = (1 - lr weight_decay) p - lr / (1 - beta1^step) m / (sqrt(v / (1 - beta2^step)) + eps)
// and, with ema above 0, a = a + (1 - d) (p - a), d = min(ema, (1 + step) / (10 + step)): young averages forget their
// beginning (tf.train.ExponentialMovingAverage with num_updates). Where p stays, a = p stays to the bit.
// grad: (P); norm: one element, the L2 norm of grad (l2_norm); loss: one element. Where norm or loss is not finite,
// only `skipped` and `report` change; the loss is checked too because its gradient may be finite (zero) where it
// overflows. float32, float64. Throws Error for other shapes,
// and where there is an average without ema or the other way round.
void adam(AdamState& state, const Tensor& grad, const Tensor& norm, const Tensor& loss, const AdamOptions& options);

SUNDER_KERNEL(adam, AdamState& state, const Tensor& grad, const Tensor& norm, const Tensor& loss,
              const AdamOptions& options)

}  // namespace sunder
