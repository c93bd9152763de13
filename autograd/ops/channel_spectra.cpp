#include "autograd/ops.h"
#include "tensor/ops/permute.h"

namespace sunder {

// Two views and a permutation: (B, T, F, S, 2) -> (B, S, T, F, 2), and back for the gradient, whose parts are dL/dRe
// and dL/dIm.
Variable channel_spectra(const Variable& x) {
  const Tensor& value = x.value();
  check_dim("channel_spectra", "x", value, 4);
  if (!is_real(value.dtype()) || value.size(3) % 2 != 0)
    throw_error("[channel_spectra] expected float32 or float64 channels in pairs, got {}", describe(value));
  const Shape shape = value.shape(), pairs{shape[0], shape[1], shape[2], shape[3] / 2, 2};
  const Tensor spectra = permute(value.reshape(pairs), {0, 3, 1, 2, 4}).as_complex();
  return record("channel_spectra", spectra, {x}, [shape](const Tensor& grad) -> std::vector<Tensor> {
    return {permute(grad.as_real(), {0, 2, 3, 1, 4}).reshape(shape)};
  });
}

}  // namespace sunder
