#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// The product of two matrices, or of two batches of matrices (torch.matmul). a: (B..., M, K), or (B..., K, M) with
// transpose_a; b: (B..., K, N), or (B..., N, K) with transpose_b; one of the two may have no leading axes and is then
// used for all products. Returns (B..., M, N). float32 (TF32 on CUDA only), float64; on CUDA bfloat16, summed in
// float32 (but no gradient of an operand used for several products). Throws Error for inner sizes or leading axes that
// differ.
Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a = false, bool transpose_b = false,
              Tf32 tf32 = Tf32::off);

struct MatmulGrads {
  Tensor a, b;
};
// C = A B: dA = dC B^T, dB = A^T dC, summed over the leading axes that an operand does not have; a gradient that is not
// requested is undefined.
MatmulGrads matmul_backward(const Tensor& grad, const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b,
                            bool wants_a, bool wants_b, Tf32 tf32 = Tf32::off);

// `count` products; an operand used for all of them has stride 0. Sizes and strides are in elements.
struct MatmulSizes {
  int64_t count, m, n, k, a_stride, b_stride;
  bool transpose_a, transpose_b;
  Tf32 tf32;
};
SUNDER_KERNEL(matmul_forward, const MatmulSizes& sizes, const Tensor& a, const Tensor& b, Tensor& result)

// bfloat16: one rounding; the hundredth covers the float32 arithmetic. TF32: both operands are rounded.
inline constexpr double matmul_bfloat16_error = 1.01 * bfloat16_unit, matmul_tf32_error = 2 * tf32_unit;

}  // namespace sunder
