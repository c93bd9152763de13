#pragma once

#include "tensor/broadcast.h"
#include "tensor/dispatch.h"
#include "tensor/ops/binary_functors.h"

namespace sunder {

// Arithmetic on two tensors, broadcast as in NumPy (tensor/broadcast.h).
// a, b: shapes that broadcast, one dtype: float32, float64, complex64, complex128, on CUDA also bfloat16. Throws Error
// for anything else.
Tensor add(const Tensor& a, const Tensor& b);
Tensor subtract(const Tensor& a, const Tensor& b);
Tensor multiply(const Tensor& a, const Tensor& b);
Tensor divide(const Tensor& a, const Tensor& b);
// a conj(b) and a / conj(b), for the gradients of complex products; for real b the same as multiply and divide.
Tensor multiply_conj(const Tensor& a, const Tensor& b);
Tensor divide_conj(const Tensor& a, const Tensor& b);
// A copy of x broadcast to `shape`. Throws Error where x does not broadcast to it.
Tensor broadcast_to(const Tensor& x, const Shape& shape);

namespace cpu {
template <class Op>
void binary_forward(const Op& op, const BroadcastLayout& layout, const Tensor& a, const Tensor& b, Tensor& result);
}
namespace cuda {
template <class Op>
void binary_forward(const Op& op, const BroadcastLayout& layout, const Tensor& a, const Tensor& b, Tensor& result);
}

// One rounding to bfloat16; the hundredth covers the float32 arithmetic.
inline constexpr double binary_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
