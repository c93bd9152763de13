#include "tensor/ops/pointwise.h"

#include "autograd/ops.h"

namespace sunder {
namespace {

// dx = dy * f'(x); the functor says whether f' is written in x, in y, or in neither, and only that is saved.
template <class Op>
Variable differentiable(const char* name, const Op& op, const Variable& x) {
  Tensor y = pointwise(op, x.value()), saved;
  if constexpr (Op::saved == Saved::input) saved = x.value();
  if constexpr (Op::saved == Saved::output) saved = y;
  return record(name, y, {x}, [op, saved](const Tensor& grad_y) -> std::vector<Tensor> {
    return {pointwise_backward(op, grad_y, saved)};
  });
}

}  // namespace

Variable sigmoid(const Variable& x) { return differentiable("sigmoid", SigmoidOp{}, x); }
Variable tanh(const Variable& x) { return differentiable("tanh", TanhOp{}, x); }
Variable exp(const Variable& x) { return differentiable("exp", ExpOp{}, x); }
Variable log(const Variable& x) { return differentiable("log", LogOp{}, x); }
Variable sqrt(const Variable& x) { return differentiable("sqrt", SqrtOp{}, x); }
Variable square(const Variable& x) { return differentiable("square", SquareOp{}, x); }
Variable abs(const Variable& x) { return differentiable("abs", AbsOp{}, x); }
Variable relu(const Variable& x) { return differentiable("relu", ReluOp{}, x); }
Variable reciprocal(const Variable& x) { return differentiable("reciprocal", ReciprocalOp{}, x); }
Variable negate(const Variable& x) { return differentiable("negate", AffineOp{-1, 0}, x); }
Variable scale(const Variable& x, double factor) { return differentiable("scale", AffineOp{factor, 0}, x); }
Variable add_scalar(const Variable& x, double offset) { return differentiable("add_scalar", AffineOp{1, offset}, x); }

}  // namespace sunder
