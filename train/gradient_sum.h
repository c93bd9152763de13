// The gradients and the loss of a step, summed over the ranks in one pass between the backward pass and Adam.
#pragma once

#include "distributed/communicator.h"

namespace sunder {

class GradientSum {
 public:
  // gradients: (P) on the CPU. mean_loss: the loss is a mean over the batch, so the sum is divided by the ranks.
  // `ranks` must outlive it.
  GradientSum(Communicator& ranks, const Tensor& gradients, bool mean_loss);

  // What a rank's loss counts in the whole batch's: the factor of its gradients.
  double weight() const { return weight_; }
  // Replaces the gradients, which backward() computed for weight() times the loss, by their sum over the ranks, the
  // same bits on all of them, and returns the loss of the whole batch. One rank's value that is not finite makes both
  // so on all. Throws RankLost; the gradients are then not changed.
  Tensor operator()(const Tensor& gradients, const Tensor& loss) const;

 private:
  Communicator& ranks_;
  double weight_;
  Tensor flat_;  // (P + 1): the loss is the last
};

}  // namespace sunder
