#include "tensor/ops/isms.h"

#include "autograd/ops.h"

namespace sunder {

// With l = log(|X| + eps) and the mean m of a frame's F values, d var / dl_f = 2 (l_f - m) / (F - 1), and
// dl / dX = X / (|X| (|X| + eps)): found in the forward pass, up to what depends on whole utterances.
Variable isms(const Variable& images, const Tensor& mixtures) {
  Isms result = isms(images.value(), mixtures);
  return record("isms", result.loss, {images}, [result](const Tensor& grad_loss) -> std::vector<Tensor> {
    return {isms_backward(grad_loss, result)};
  });
}

}  // namespace sunder
