// The thresholded SNR of pit_snr and mixit_snr, on both devices ("Unsupervised Source Separation via Self-Supervised
// Training", arXiv 2202.03875, eq. 2).
#pragma once

#include <cmath>
#include <cstdint>

#include "tensor/host_device.h"

namespace sunder {

// A silent target would be 0/0, and a target of energy 1e-39 has an infinite gradient in float32: the energy |s|^2
// counts as at least this much. Signals have unit variance, so this changes no bit for targets that are not silent.
inline constexpr double snr_energy_floor = 1e-8;

// A search beyond these would cost more than the network: tables of residuals have 2^S rows per mixture.
inline constexpr int64_t pit_max_sources = 6;     // 720 permutations
inline constexpr int64_t mixit_max_signals = 16;  // of mixtures, and of estimates
inline constexpr int64_t mixit_max_assignments = 65536;

// tau = 10^(-SNRmax / 10): the loss never falls below -SNRmax (dB).
inline double snr_tau(double snr_max_db) { return std::pow(10.0, -snr_max_db / 10); }

// -10 log10(E / (R + tau E)) in dB, E = max(energy, floor), R = |target - estimate|^2.
SUNDER_HOST_DEVICE double snr_loss(double energy, double residual, double tau) {
  const double floored = energy > snr_energy_floor ? energy : snr_energy_floor;
  return -10 * std::log10(floored / (residual + tau * floored));
}

// The derivative of snr_loss with respect to the residual R: (10 / ln 10) / (R + tau E).
SUNDER_HOST_DEVICE double snr_slope(double energy, double residual, double tau) {
  const double floored = energy > snr_energy_floor ? energy : snr_energy_floor;
  return 10 / std::log(10.0) / (residual + tau * floored);
}

}  // namespace sunder
