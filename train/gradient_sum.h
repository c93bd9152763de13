// The gradients and the loss of a step, summed over the ranks in one pass between the backward pass and Adam.
#pragma once

#include "distributed/communicator.h"

namespace sunder {

class GradientSum {
 public:
  // gradients: (P) on the CPU. `ranks` must outlive it.
  GradientSum(Communicator& ranks, const Tensor& gradients);

  // Replaces the gradients by their sum over the ranks, the same bits on all of them, and returns that of the loss (one
  // element). One rank's value that is not finite makes both so on all. Throws RankLost; the gradients are then not
  // changed.
  Tensor operator()(const Tensor& gradients, const Tensor& loss) const;

 private:
  Communicator& ranks_;
  Tensor flat_;  // (P + 1): the loss is the last
};

}  // namespace sunder
