#include "tensor/ops/binary.h"

#include "autograd/ops.h"
#include "tensor/ops/pointwise.h"
#include "tensor/ops/sum.h"

namespace sunder {

// Where an operand was broadcast, its gradient is the sum over the copies (sum_to). With dL/dRe + i dL/dIm as the
// gradient, an analytic z = f(w) gives dw = dz conj(f'(w)).

Variable add(const Variable& a, const Variable& b) {
  return record("add", add(a.value(), b.value()), {a, b},
                [a_shape = a.shape(), b_shape = b.shape(), a_wanted = a.requires_grad(),
                 b_wanted = b.requires_grad()](const Tensor& grad) -> std::vector<Tensor> {
                  return {a_wanted ? sum_to(grad, a_shape) : Tensor(), b_wanted ? sum_to(grad, b_shape) : Tensor()};
                });
}

Variable subtract(const Variable& a, const Variable& b) {
  return record(
      "subtract", subtract(a.value(), b.value()), {a, b},
      [a_shape = a.shape(), b_shape = b.shape(), a_wanted = a.requires_grad(),
       b_wanted = b.requires_grad()](const Tensor& grad) -> std::vector<Tensor> {
        return {a_wanted ? sum_to(grad, a_shape) : Tensor(), b_wanted ? negate(sum_to(grad, b_shape)) : Tensor()};
      });
}

// z = a b: da = dz conj(b), db = dz conj(a). An operand is saved only for the other's gradient.
Variable multiply(const Variable& a, const Variable& b) {
  const Tensor kept_a = b.requires_grad() ? a.value() : Tensor(), kept_b = a.requires_grad() ? b.value() : Tensor();
  return record("multiply", multiply(a.value(), b.value()), {a, b},
                [kept_a, kept_b, a_shape = a.shape(), b_shape = b.shape()](const Tensor& grad) -> std::vector<Tensor> {
                  return {kept_b.defined() ? sum_to(multiply_conj(grad, kept_b), a_shape) : Tensor(),
                          kept_a.defined() ? sum_to(multiply_conj(grad, kept_a), b_shape) : Tensor()};
                });
}

// z = a / b: da = dz / conj(b) = g, db = -dz conj(a / b^2) = -g conj(z).
Variable divide(const Variable& a, const Variable& b) {
  Tensor z = divide(a.value(), b.value());
  const Tensor kept_z = b.requires_grad() ? z : Tensor();
  return record("divide", z, {a, b},
                [kept_z, b = b.value(), a_shape = a.shape(),
                 a_wanted = a.requires_grad()](const Tensor& grad) -> std::vector<Tensor> {
                  const Tensor g = divide_conj(grad, b);
                  return {a_wanted ? sum_to(g, a_shape) : Tensor(),
                          kept_z.defined() ? negate(sum_to(multiply_conj(g, kept_z), b.shape())) : Tensor()};
                });
}

Variable broadcast_to(const Variable& x, const Shape& shape) {
  return record("broadcast_to", broadcast_to(x.value(), shape), {x},
                [from = x.shape()](const Tensor& grad) -> std::vector<Tensor> { return {sum_to(grad, from)}; });
}

}  // namespace sunder
