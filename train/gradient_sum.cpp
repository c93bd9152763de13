#include "train/gradient_sum.h"

#include "tensor/ops/pointwise.h"

namespace sunder {

GradientSum::GradientSum(Communicator& ranks, const Tensor& gradients, bool mean_loss)
    : ranks_(ranks),
      weight_(mean_loss ? 1.0 / ranks.size() : 1),
      flat_(Tensor::empty({gradients.numel() + 1}, gradients.dtype())) {}

Tensor GradientSum::operator()(const Tensor& gradients, const Tensor& loss) const {
  const int64_t count = gradients.numel();
  const Tensor sum = flat_.slice(0, count), summed_loss = flat_.slice(count, count + 1);
  sum.copy_from(gradients);
  summed_loss.copy_from(scale(loss.reshape({1}), weight_));
  ranks_.all_reduce_sum(flat_);
  gradients.copy_from(sum);
  return summed_loss.reshape(loss.shape());
}

}  // namespace sunder
