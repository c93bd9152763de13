#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// The product of two matrices, or of one for every index of the leading axes (torch.matmul).
// a: (B..., M, K), or (B..., K, M) with transpose_a; b: (B..., K, N), or (B..., N, K) with transpose_b; one of the two
// may have no leading axes and then serves all of them. Returns (B..., M, N). float32 (in TF32 on CUDA alone), float64;
// on CUDA bfloat16, summed in float32 (but no gradient of an operand that serves several products). Throws Error for
// inner sizes or leading axes that differ.
Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a = false, bool transpose_b = false,
              Tf32 tf32 = Tf32::off);

struct MatmulGrads {
  Tensor a, b;
};
// C = A B: dA = dC B^T, dB = A^T dC, summed over the leading axes that an operand does not have; a gradient that is not
// wanted is left undefined.
MatmulGrads matmul_backward(const Tensor& grad, const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b,
                            bool wants_a, bool wants_b, Tf32 tf32 = Tf32::off);

// One product for each of `count`; an operand that serves all has stride 0. Sizes and strides in elements.
struct MatmulSizes {
  int64_t count, m, n, k, a_stride, b_stride;
  bool transpose_a, transpose_b;
  Tf32 tf32;
};
SUNDER_KERNEL(matmul_forward, const MatmulSizes& sizes, const Tensor& a, const Tensor& b, Tensor& result)

// bfloat16: rounded once; the hundredth is float32's. TF32: both operands are rounded.
inline constexpr double matmul_bfloat16_error = 1.01 * bfloat16_unit, matmul_tf32_error = 2 * tf32_unit;

}  // namespace sunder
