#include "tensor/ops/matmul.h"

#include "autograd/ops.h"

namespace sunder {

// C = op(A) op(B). With dC: d op(A) = dC op(B)^T and d op(B) = op(A)^T dC; where an operand enters transposed, so does
// its gradient. An operand is saved only for the other's gradient, but its shape is always needed.
Variable matmul(const Variable& a, const Variable& b, bool transpose_a, bool transpose_b, Tf32 tf32) {
  return record("matmul", matmul(a.value(), b.value(), transpose_a, transpose_b, tf32), {a, b},
                [a = a.value(), b = b.value(), transpose_a, transpose_b, tf32, wants_a = a.requires_grad(),
                 wants_b = b.requires_grad()](const Tensor& grad) -> std::vector<Tensor> {
                  MatmulGrads grads = matmul_backward(grad, a, b, transpose_a, transpose_b, wants_a, wants_b, tf32);
                  return {grads.a, grads.b};
                });
}

}  // namespace sunder
