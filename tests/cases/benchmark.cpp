#include "tests/cases/benchmark.h"

namespace sunder::cases {

PreparedBenchmark::PreparedBenchmark(const Benchmark& benchmark, Stream device)
    : function_(benchmark.example.function) {
  const std::vector<bool> wanted = benchmark.example.with_gradient();
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Tensor& input = benchmark.example.inputs[i];
    inputs_.emplace_back((benchmark.float32 ? in_float32(input) : input).to(device), wanted[i]);
    const auto bytes = static_cast<double>(inputs_[i].value().bytes());
    in_ += bytes;
    if (!wanted[i]) continue;
    gradients_ += bytes;
    has_gradient_ = true;
  }
  for (const Variable& output : forward()) {
    out_ += static_cast<double>(output.value().bytes());
    if (!has_gradient_) continue;
    const DType dtype = output.value().dtype();
    cotangents_.push_back(
        random_tensor(output.shape(), 100 + cotangents_.size(), is_complex(dtype) ? DType::complex128 : DType::float64)
            .cast(dtype)
            .to(device));
  }
}

std::string PreparedBenchmark::row(const Case& op, const Benchmark& benchmark) {
  return benchmark.example.name.empty() ? op.op : op.op + "." + benchmark.example.name;
}

std::vector<Variable> PreparedBenchmark::forward() const {
  const NoGrad no_grad;
  return function_(inputs_);
}

void PreparedBenchmark::forward_backward() const {
  backward(function_(inputs_), cotangents_);
  for (const Variable& input : inputs_)
    if (input.requires_grad()) input.zero_grad();
}

}  // namespace sunder::cases
