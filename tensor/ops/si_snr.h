// The scale-invariant SNR of pit_si_snr, on both devices (Le Roux et al., "SDR - half-baked or well done?", 2019, eq.
// 2, of signals without their means, as Conv-TasNet is trained: Luo and Mesgarani, 2019, eq. 15).
#pragma once

#include <cmath>
#include <cstdint>

#include "tensor/host_device.h"
#include "tensor/ops/snr.h"

namespace sunder {

// Keeps the loss and its gradient finite: +-80 dB at most. Asteroid adds 1e-8 to numerator and denominator.
inline constexpr double si_snr_tau = 1e-8;

// What is summed over `length` samples of a pair.
struct SiSnrSums {
  double length, reference, estimate, reference_energy, estimate_energy, product;
};

// loss = -10 log10((S + tau N) / (N + tau S)) dB. With d = <r, e>, E = |r|^2 and P = |e|^2 of the signals without their
// means, S = d^2 / E is the energy of the estimate's part along the reference and N = P - S that of the rest.
// d loss / d estimate[i] = of_estimate * estimate[i] + of_reference * reference[i] + offset.
struct SiSnr {
  double loss, of_estimate, of_reference, offset;
};

SUNDER_HOST_DEVICE SiSnr si_snr(const SiSnrSums& sums) {
  const double reference_mean = sums.reference / sums.length, estimate_mean = sums.estimate / sums.length;
  const double raw_energy = sums.reference_energy - sums.reference * reference_mean;
  const double raw_power = sums.estimate_energy - sums.estimate * estimate_mean;
  const double energy = raw_energy < snr_energy_floor ? snr_energy_floor : raw_energy;
  const double power = raw_power < snr_energy_floor ? snr_energy_floor : raw_power;
  const double product = sums.product - sums.reference * estimate_mean;
  const double along = product * product / energy;
  const double signal = (1 - si_snr_tau) * (along > power ? power : along);  // above it by rounding
  const double above = signal + si_snr_tau * power, below = power - signal;
  const double decibel = 10 / std::log(10.0);
  SiSnr result{-10 * std::log10(above / below), 0, 0, 0};
  result.of_estimate = 2 * decibel * (1 / below - si_snr_tau / above);
  result.of_reference = -2 * decibel * (1 - si_snr_tau) * (1 / above + 1 / below) * product / energy;
  result.offset = -(result.of_estimate * estimate_mean + result.of_reference * reference_mean);
  return result;
}

}  // namespace sunder
