#include "audio/metrics/snr.h"

#include <cmath>

#include "audio/metrics/peak.h"
#include "tensor/error.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

struct Energies {
  double signal = 0, noise = 0;
};

SUNDER_SIMD Energies energies_of(const double* s, const double* e, size_t count) {
  double signal = 0, noise = 0;
#pragma omp simd reduction(+ : signal, noise)
  for (size_t i = 0; i < count; ++i) {
    signal += s[i] * s[i];
    noise += (s[i] - e[i]) * (s[i] - e[i]);
  }
  return {signal, noise};
}

}  // namespace

Score snr(std::span<const double> reference, std::span<const double> estimate) {
  if (reference.size() != estimate.size())
    throw_error("[snr] expected an estimate of {} samples, got {}", reference.size(), estimate.size());
  finite_peak("snr", "an estimate", estimate);
  if (finite_peak("snr", "a reference", reference) == 0) return {std::nullopt, "the reference is silent"};
  const Energies energies = energies_of(reference.data(), estimate.data(), reference.size());
  return {10 * std::log10(energies.signal / energies.noise)};
}

}  // namespace sunder
