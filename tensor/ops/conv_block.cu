#include "tensor/ops/conv_block.h"

namespace sunder {

void cuda::conv_block_forward(const ConvBlock<Tensor>& in, const ConvBlockOptions& options, ConvBlockResult& result) {
  cpu::conv_block_forward(in, options, result);
}

void cuda::conv_block_backward(const Tensor& grad_next, const Tensor& grad_skip_sum, const ConvBlock<Tensor>& in,
                               const ConvBlockResult& kept, const ConvBlockOptions& options, ConvBlock<Tensor>& grads) {
  cpu::conv_block_backward(grad_next, grad_skip_sum, in, kept, options, grads);
}

}  // namespace sunder
