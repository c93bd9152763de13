#include "objectives/si_snr.h"

#include <algorithm>
#include <cmath>

#include "audio/metrics/assignment.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/pointwise.h"
#include "tensor/ops/remix.h"
#include "tensor/ops/snr.h"
#include "tensor/ops/sum.h"

namespace sunder {
namespace {

std::vector<double> host(const Tensor& x) { return x.to(cpu_device).cast(DType::float64).to_vector<double>(); }

// The references in the order of the estimates that they are given to.
Tensor matched_references(const Tensor& references, const Tensor& estimates) {
  const int64_t items = references.size(0), sources = references.size(1);
  const auto products = host(matmul(references, estimates, false, true));  // (B, S, S), [reference][estimate]
  const auto reference_energy = host(sum(square(references), {-1})),
             estimate_energy = host(sum(square(estimates), {-1}));
  std::vector<int64_t> order(items * sources);
  for (int64_t item = 0; item < items; ++item) {
    std::vector<double> score(sources * sources);
    for (int64_t i = 0; i < sources * sources; ++i) {
      // The share c of the estimate's energy that lies along the reference: SI-SNR = 10 log10(c / (1 - c)).
      const double energies = std::max(reference_energy[item * sources + i / sources], snr_energy_floor) *
                              std::max(estimate_energy[item * sources + i % sources], snr_energy_floor);
      const double product = products[item * sources * sources + i];
      const double share = std::clamp(product * product / energies, 1e-12, 1 - 1e-12);
      score[i] = std::log(share / (1 - share));
    }
    const std::vector<int64_t> estimate_of = best_assignment(score, sources, sources);
    for (int64_t s = 0; s < sources; ++s) order[item * sources + estimate_of[s]] = item * sources + s;
  }
  return remix(references.reshape({items * sources, references.size(2)}),
               Tensor::from(order, {items, sources}, references.stream()))
      .targets;
}

}  // namespace

Variable si_snr_loss(const Tensor& references, const Variable& estimates) {
  check_alike("si_snr_loss", {&references, &estimates.value()});
  check_dim("si_snr_loss", "references", references, 3);
  if (references.size(1) < 1 || references.size(1) > pit_max_sources)
    throw_error("[si_snr_loss] expected references (B, S, L) of 1 to {} sources, got {}", pit_max_sources,
                describe(references));
  check_shape("si_snr_loss", "estimates", estimates.value(), references.shape());
  const Tensor matched = matched_references(references, estimates.value());
  const Tensor energy = add_scalar(sum(square(matched), {-1}, true), snr_energy_floor);
  const Variable target(matched);
  const Variable projection = multiply(divide(sum(multiply(target, estimates), {-1}, true), Variable(energy)), target);
  const auto log_energy = [](const Variable& x) { return log(add_scalar(sum(square(x), {-1}), snr_energy_floor)); };
  const Variable log_ratio = subtract(log_energy(projection), log_energy(subtract(estimates, projection)));
  return scale(sum(log_ratio), -10 / std::log(10.0) / static_cast<double>(references.size(1)));
}

}  // namespace sunder
