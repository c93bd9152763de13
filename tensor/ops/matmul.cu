#include "tensor/ops/matmul.h"

#include "tensor/cuda/blas.h"

namespace sunder {

void cuda::matmul_forward(const MatmulSizes& sizes, const Tensor& a, const Tensor& b, Tensor& result) {
  if (result.numel() == 0) return;
  if (sizes.k == 0) return result.zero();
  visit_stored("matmul", result.dtype(), [&]<class T>() {
    blas::gemm<T>(result.stream(), sizes.tf32, sizes.m, sizes.n, sizes.k, 1,
                  {a.data<T>(), sizes.transpose_a ? sizes.m : sizes.k, sizes.transpose_a, sizes.a_stride},
                  {b.data<T>(), sizes.transpose_b ? sizes.k : sizes.n, sizes.transpose_b, sizes.b_stride}, 0,
                  result.mutable_data<T>(), sizes.n, sizes.m * sizes.n, sizes.count);
  });
}

}  // namespace sunder
