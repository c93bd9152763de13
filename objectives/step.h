// One loss per method on a batch of mixtures, network included: what training programs and the benchmark run. A loss
// between waveforms is the mean over an item's targets and the SUM over the network's inputs, dB. All tensors are on
// the network's device and nothing synchronises, so a step can be captured. Orders come from
// objectives/{pit,mixit,mixcycle}.h.
#pragma once

#include "nn/separator.h"
#include "objectives/m2m.h"
#include "objectives/pit.h"
#include "objectives/unssor.h"

namespace sunder {

// references: (B, S, L), mixtures: (B, L); `loss`: waveform_loss of PitConfig.
Variable pit_step(const Separator& network, const Tensor& references, const Tensor& mixtures,
                  const std::string& loss = "snr");
// With dynamic mixing. references: (B, S, L); order: from shuffled_order; noisy: (B, L), the items' own mixtures, whose
// noise (what their sources do not add up to) is kept; undefined: sums of sources.
Variable pit_dm_step(const Separator& network, const Tensor& references, const Tensor& order,
                     const std::string& loss = "snr", const Tensor& noisy = {});
// first, second: (B, L), mixtures of two mini-batches; the network's input is first + second; order: sum_order(B).
Variable mixit_step(const Separator& network, const Tensor& first, const Tensor& second, const Tensor& order);
// mixtures: (B, L) of as many mini-batches as the network has outputs, S; its input is their sum; order: sum_order(B,
// S).
Variable mixpit_step(const Separator& network, const std::vector<Tensor>& mixtures, const Tensor& order);
// mixtures: (B, L), B a multiple of the network's outputs; order: exchange_order of estimate_orders. Teacher and
// student are the same parameters.
Variable mixcycle_step(const Separator& network, const Tensor& mixtures, const Tensor& order);

// Far-field recordings; these losses are the MEAN over the batch. mixtures: (B, M, L), or (B, L) for one microphone.
// close_talk: (B, C, L), the mixtures at the close-talk microphones, at any level. virtual_microphones: (B, S, L), at
// the mixtures' level. `failures`: as in tensor/ops/fcp.h.
Variable m2m_step(const SpectralSeparator& network, const Tensor& mixtures, const Tensor& close_talk,
                  const M2mOptions& options, const Tensor& failures = {});
Variable unssor_step(const SpectralSeparator& network, const Tensor& mixtures, const UnssorOptions& options,
                     const Tensor& failures = {}, const Tensor& virtual_microphones = {});
// references: (B, S, L), the speakers' images at the first microphone; `loss`: of PitConfig. Each speaker permutation
// is the best of its own loss.
Variable pit_spectra_step(const SpectralSeparator& network, const Tensor& references, const Tensor& mixtures,
                          const std::string& loss = "ri_mag");

}  // namespace sunder
