// The end of prelu_norm_linear on CUDA, shared with conv_block.
#pragma once

#include "tensor/ops/global_norm.cuh"

namespace sunder::cuda {

// Where the columns of a product go: the first `channels` to next = x + them, the others to skip_sum = skip + them.
// x and skip: null for zero.
template <class S>
struct Paths {
  const S *x = nullptr, *skip = nullptr;
  S *next = nullptr, *skip_sum = nullptr;
  int64_t channels = 0;
};

// W norm(PReLU(x)) + out_bias into `paths`, from the products W a, W gain and W bias: (items * frames + 2, columns).
template <class S>
void scale_products(const Norm<S>& norm, const compute_type<S>* products, const compute_type<S>* out_bias,
                    int64_t columns, const Paths<S>& paths, Stream stream);

}  // namespace sunder::cuda
