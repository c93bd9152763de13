// Correlations and filtered signals for least-squares fits of short filters to long signals. FFTs of blocks of the
// filter length (rounded up to a power of two) keep the working set small.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tensor/fft.h"

namespace sunder {

// A signal with zeros before and after it, in blocks of a power of two.
struct BlockedSignal {
  std::vector<double> samples;  // one block of zeros, the signal, zeros
  int64_t length = 0;           // of the signal
};

struct Correlations {
  std::vector<double> references;  // (S, S, N), [a][b][lag]: sum over t of s_a(t - lag) s_b(t)
  std::vector<double> estimates;   // (S, K, N), [a][k][lag]: sum over t of s_a(t - lag) e_k(t)
};

// With y_i = s_i filtered by its own filter and z = the sum of all references filtered by the joint ones.
struct FilteredEnergies {
  double target = 0;        // |y_i|^2
  double rest = 0;          // |e - y_i|^2
  double interference = 0;  // |z - y_i|^2
  double joint = 0;         // |z|^2
  double artifacts = 0;     // |e - z|^2
};

class ShortFilters {
 public:
  explicit ShortFilters(int64_t filter_length);

  BlockedSignal blocked(std::span<const double> signal, double gain = 1) const;

  // All signals have one length.
  Correlations correlate(const std::vector<BlockedSignal>& references,
                         const std::vector<BlockedSignal>& estimates) const;

  // The energies of one estimate and the references filtered by filters (S, N); without joint filters (empty) the
  // energies that need them stay 0. Signals are extended by zeros to the length of the filtered ones.
  std::vector<FilteredEnergies> energies(const std::vector<BlockedSignal>& references, const BlockedSignal& estimate,
                                         std::span<const double> own, std::span<const double> joint) const;

 private:
  using Spectra = std::vector<std::complex<double>>;

  int64_t blocks_of(int64_t samples) const { return (samples + block_ - 1) / block_; }
  // filters: (count, N).
  Spectra spectra_of_filters(std::span<const double> filters) const;

  int64_t filter_length_, block_;
  std::shared_ptr<const RealFft<double>> fft_;                         // of two blocks
  std::vector<double> ones_, first_, first_inverse_, second_inverse_;  // windows
};

}  // namespace sunder
