#include "train/gradient_sum.h"

namespace sunder {

GradientSum::GradientSum(Communicator& ranks, const Tensor& gradients)
    : ranks_(ranks), flat_(Tensor::empty({gradients.numel() + 1}, gradients.dtype())) {}

Tensor GradientSum::operator()(const Tensor& gradients, const Tensor& loss) const {
  const int64_t count = gradients.numel();
  const Tensor sum = flat_.slice(0, count), summed_loss = flat_.slice(count, count + 1);
  sum.copy_from(gradients);
  summed_loss.copy_from(loss.reshape({1}));
  ranks_.all_reduce_sum(flat_);
  gradients.copy_from(sum);
  return summed_loss.reshape(loss.shape());
}

}  // namespace sunder
