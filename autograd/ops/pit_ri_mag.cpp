#include "tensor/ops/pit_ri_mag.h"

#include "autograd/ops.h"

namespace sunder {

// With the best permutation fixed the distance's derivatives are -sgn(Re d) - j sgn(Im d) - sgn(|R| - |E|) E / |E|,
// recomputed from the spectra: they are read once either way, and nothing is saved.
Variable pit_ri_mag(const Tensor& references, const Tensor& mixtures, const Variable& estimates) {
  PitRiMag result = pit_ri_mag(references, mixtures, estimates.value());
  return record("pit_ri_mag", result.loss, {estimates},
                [references, estimates = estimates.value(), result](const Tensor& grad_loss) -> std::vector<Tensor> {
                  return {pit_ri_mag_backward(grad_loss, references, estimates, result)};
                });
}

}  // namespace sunder
