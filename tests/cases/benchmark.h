// A case's benchmark on a device, ready to run: what sunder-bench-ops times, and a test runs once.
#pragma once

#include "tests/cases/case.h"

namespace sunder::cases {

class PreparedBenchmark {
 public:
  PreparedBenchmark(const Benchmark& benchmark, Stream device);

  // "linear.in": the stem, then the example's name.
  static std::string row(const Case& op, const Benchmark& benchmark);

  bool has_gradient() const { return has_gradient_; }
  std::vector<Variable> forward() const;  // without a tape
  void forward_backward() const;

  // What has to cross the memory once. Forward: inputs and outputs. With the backward pass also the outputs' gradients,
  // the inputs again, and the gradients of those that have one.
  double forward_bytes() const { return in_ + out_; }
  double forward_backward_bytes() const { return 2 * in_ + 2 * out_ + gradients_; }

 private:
  Differentiable function_;
  std::vector<Variable> inputs_;
  std::vector<Tensor> cotangents_;
  double in_ = 0, out_ = 0, gradients_ = 0;
  bool has_gradient_ = false;
};

}  // namespace sunder::cases
