#include "tensor/ops/soft_mask.h"

#include "autograd/ops.h"

namespace sunder {

// With m = sigmoid(logit), D = sum m + eps, share_s = m_s / D and y_s = share_s x:
// dshare_s = Re(conj(dy_s) x);  dm_s = dshare_s / D - sum over r of dshare_r m_r / D^2 = (dshare_s - sum dshare share)
// / D; dlogit_s = m_s (1 - m_s) dm_s. The sigmoids are recomputed: cheaper than to store and read them.
Variable soft_mask(const Variable& logits, const Tensor& spectrum, int64_t sources) {
  return record("soft_mask", soft_mask(logits.value(), spectrum, sources), {logits},
                [logits = logits.value(), spectrum](const Tensor& grad) -> std::vector<Tensor> {
                  return {soft_mask_backward(grad, logits, spectrum)};
                });
}

}  // namespace sunder
