#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "tensor/random.h"

namespace sunder {
namespace {

// Real and imaginary parts as one row of doubles.
double* reals(const Tensor& tensor) { return reinterpret_cast<double*>(tensor.raw()); }
int64_t count_reals(const Tensor& tensor) { return tensor.numel() * (is_complex(tensor.dtype()) ? 2 : 1); }

Tensor cotangent(const Tensor& like, uint64_t which) {
  Tensor result = Tensor::empty_like(like);
  Random random(0, RandomUse::test, 0, which);
  for (int64_t i = 0; i < count_reals(result); ++i) reals(result)[i] = random.uniform(-1, 1);
  return result;
}

double loss(const Differentiable& function, const std::vector<Tensor>& inputs, const std::vector<Tensor>& cotangents) {
  const NoGrad no_grad;
  std::vector<Variable> variables;
  for (const Tensor& input : inputs) variables.emplace_back(input);
  const std::vector<Variable> outputs = function(variables);
  long double sum = 0;
  for (size_t k = 0; k < outputs.size(); ++k)
    for (int64_t i = 0; i < count_reals(cotangents[k]); ++i)
      sum += static_cast<long double>(reals(cotangents[k])[i]) * reals(outputs[k].value())[i];
  return static_cast<double>(sum);
}

}  // namespace

GradcheckResult gradcheck(const Differentiable& function, const std::vector<Tensor>& inputs, std::vector<bool> wanted,
                          double step, int64_t max_elements) {
  if (wanted.empty()) wanted.assign(inputs.size(), true);
  for (const Tensor& input : inputs)
    if (real_of(input.dtype()) != DType::float64 && input.dtype() != DType::int64)
      throw_error("[gradcheck] expected float64 or complex128, got {}", describe(input));

  std::vector<Variable> variables;
  for (size_t i = 0; i < inputs.size(); ++i) variables.emplace_back(inputs[i].clone(), wanted[i]);
  const std::vector<Variable> outputs = function(variables);
  std::vector<Tensor> cotangents;
  for (size_t k = 0; k < outputs.size(); ++k) cotangents.push_back(cotangent(outputs[k].value(), k));
  backward(outputs, cotangents);

  GradcheckResult result;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!wanted[i]) continue;
    const Tensor grad = variables[i].grad();
    const int64_t count = count_reals(inputs[i]), stride = std::max<int64_t>(1, count / max_elements);
    std::vector<std::pair<int64_t, double>> numeric;
    double largest = 1;
    for (int64_t j = 0; j < count; j += stride) {
      std::vector<Tensor> moved = inputs;
      moved[i] = inputs[i].clone();
      const double x = reals(inputs[i])[j], h = step * std::max(1.0, std::abs(x));
      reals(moved[i])[j] = x + h;
      const double above = loss(function, moved, cotangents);
      reals(moved[i])[j] = x - h;
      numeric.emplace_back(j, (above - loss(function, moved, cotangents)) / (2 * h));
      largest = std::max(largest, std::abs(numeric.back().second));
    }
    for (const auto& [j, value] : numeric) {
      const double analytic = grad.defined() ? reals(grad)[j] : 0;
      const double error = std::abs(analytic - value) / largest;
      if (!(error <= result.error)) {
        result.error = error;
        result.detail = fmt::format("input {} element {}: analytic {}, numeric {}", i, j, analytic, value);
      }
    }
  }
  return result;
}

}  // namespace sunder
