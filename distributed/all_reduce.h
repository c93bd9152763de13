// The sum of a tensor over the ranks: one file for each way that the values go.
#pragma once

#include <memory>
#include <string>

#include "tensor/tensor.h"

namespace sunder {

class Star;

class AllReduce {
 public:
  virtual ~AllReduce() = default;
  virtual std::string name() const = 0;  // for the log
  // values: (N) float32 or float64 on the CPU, of one N on all ranks; every rank gets the same bits, and the same ones
  // again for the same values on as many ranks. Throws RankLost.
  virtual void sum(const Tensor& values) = 0;
};

// Through rank 0, which adds in the order of the ranks: for a few ranks, it receives and sends what all of them hold.
// `star` must outlive it.
std::unique_ptr<AllReduce> star_all_reduce(Star& star);

// Calls `work` with the elements. Throws Error for other tensors.
template <class Work>
void on_elements(const Tensor& values, const Work& work) {
  if (!values.device().is_cpu() || values.dim() != 1)
    throw_error("[all_reduce_sum] expected (N) on the CPU, got {}", describe(values));
  if (values.dtype() == DType::float32) work(values.mutable_data<float>());
  else if (values.dtype() == DType::float64) work(values.mutable_data<double>());
  else throw_error("[all_reduce_sum] expected float32 or float64, got {}", describe(values));
}

}  // namespace sunder
