// SI-SNR and its improvement, as the MixCycle paper scores separation ("Unsupervised Source Separation via
// Self-Supervised Training", arXiv 2202.03875, eqs. 9 and 10). All sums are float64.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace sunder {

// Conv-TasNet's code and Asteroid remove the mean of both signals first; the MixCycle paper does not.
enum class Mean { kept, removed };

// 10 log10(|a s|^2 / |e - a s|^2) in dB with a = <e, s> / |s|^2 (the number others call SI-SDR). eps is added to the
// denominator only. Undefined (empty) where the reference or the estimate is all zeros (without its mean: constant);
// +infinity for an exact copy, -infinity for an estimate that is orthogonal to the reference. Throws Error for unequal
// lengths.
std::optional<double> si_snr(std::span<const double> reference, std::span<const double> estimate, double eps = 0,
                             Mean mean = Mean::kept);

struct SourceScore {
  std::optional<double> si_snr;   // dB
  std::optional<double> si_snri;  // dB above the mixture's; empty where si_snr is, or the mixture's is not finite
  int64_t output = 0;             // the output that was matched to this source
};

// Each source with one output of its own, the match with the largest sum of SI-SNR (the same one has the largest sum of
// improvements); an undefined score counts as the worst, left-over outputs are ignored.
// references: (S, L), estimates: (K, L) with K >= S, mixture: (L); float32 or float64 on the CPU. Throws Error for
// other shapes.
std::vector<SourceScore> score_separation(const Tensor& references, const Tensor& estimates, const Tensor& mixture);

// The oracle for MixIT's networks: every output is added to exactly one of the S estimates, of the S^K ways the one
// with the largest sum of SI-SNR (eps 1e-8, as in the authors' code). references: (S, L), estimates: (K, L); returns
// (S, L) float64. Throws Error for K > best_sums_max_outputs.
constexpr int64_t best_sums_max_outputs = 8;
Tensor best_sums(const Tensor& references, const Tensor& estimates);

// The scores of best_sums; `output` is the source's own number.
std::vector<SourceScore> score_best_sums(const Tensor& references, const Tensor& estimates, const Tensor& mixture);

// The mean SI-SNRi of the sources that have one; empty if none has.
std::optional<double> mean_si_snri(const std::vector<SourceScore>& scores);

}  // namespace sunder
