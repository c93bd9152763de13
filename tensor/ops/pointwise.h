#pragma once

#include "tensor/dispatch.h"
#include "tensor/ops/pointwise_functors.h"
#include "tensor/tensor.h"

namespace sunder {

// y[i] = op.value(x[i]) for a functor of pointwise_functors.h. x: any shape; float32, float64, and for AffineOp without
// offset the complex types. Throws Error for another dtype.
template <class Op>
Tensor pointwise(const Op& op, const Tensor& x);

// dx[i] = dy[i] * op.derivative(saved[i]); `saved` is x, y or undefined, as Op::saved says.
template <class Op>
Tensor pointwise_backward(const Op& op, const Tensor& grad_y, const Tensor& saved);

inline Tensor sigmoid(const Tensor& x) { return pointwise(SigmoidOp{}, x); }
inline Tensor tanh(const Tensor& x) { return pointwise(TanhOp{}, x); }
inline Tensor exp(const Tensor& x) { return pointwise(ExpOp{}, x); }
inline Tensor log(const Tensor& x) { return pointwise(LogOp{}, x); }    // natural; NaN for x < 0
inline Tensor sqrt(const Tensor& x) { return pointwise(SqrtOp{}, x); }  // its derivative at 0 is infinite
inline Tensor square(const Tensor& x) { return pointwise(SquareOp{}, x); }
inline Tensor abs(const Tensor& x) { return pointwise(AbsOp{}, x); }    // derivative 0 at 0
inline Tensor relu(const Tensor& x) { return pointwise(ReluOp{}, x); }  // derivative 0 at 0
inline Tensor reciprocal(const Tensor& x) { return pointwise(ReciprocalOp{}, x); }
inline Tensor negate(const Tensor& x) { return pointwise(AffineOp{-1, 0}, x); }
inline Tensor scale(const Tensor& x, double factor) { return pointwise(AffineOp{factor, 0}, x); }
inline Tensor add_scalar(const Tensor& x, double offset) { return pointwise(AffineOp{1, offset}, x); }

namespace cpu {
template <class Op>
void pointwise_forward(const Op& op, const Tensor& x, Tensor& y);
template <class Op>
void pointwise_backward(const Op& op, const Tensor& grad_y, const Tensor& saved, Tensor& grad_x);
}  // namespace cpu
namespace cuda {
template <class Op>
void pointwise_forward(const Op& op, const Tensor& x, Tensor& y);
template <class Op>
void pointwise_backward(const Op& op, const Tensor& grad_y, const Tensor& saved, Tensor& grad_x);
}  // namespace cuda

}  // namespace sunder
