// Permutation-invariant training on clean sources, with or without dynamic mixing.
#pragma once

#include "autograd/ops.h"
#include "files/settings.h"
#include "nn/stft.h"
#include "tensor/ops/remix.h"

namespace sunder {

struct PitConfig {
  // Of spectral networks: "ri_mag" as in the M2M paper, "snr" of the signals, or their sum, "both". Magnitudes and
  // parts by absolute values reward a silent output wherever speakers overlap; SNR prefers to share the mixture, but a
  // reference that is silent in a segment costs it 27 dB: it needs active segments (data.crop).
  std::string loss = "ri_mag";
  // Of networks on waveforms: the thresholded "snr" of the MixCycle paper, or "si_snr" as Conv-TasNet is trained.
  std::string waveform_loss = "snr";
};
Fields fields(PitConfig& config);

// The thresholded SNR of the best permutation (tensor/ops/pit_snr.h): mean over the sources, SUM over the batch, as in
// the authors' code, whose clipping at 5 is meant for the sum. references, estimates: (B, S, L); returns one value, dB.
// The gradient flows into the estimates only.
Variable pit_loss(const Tensor& references, const Variable& estimates, double snr_max_db = 30);

// The same with the scale-invariant SNR of signals without their means (tensor/ops/pit_si_snr.h).
Variable pit_si_snr_loss(const Tensor& references, const Variable& estimates);

// The distance of spectra by real part, imaginary part and magnitude for the best permutation
// (tensor/ops/pit_ri_mag.h): mean over the sources, MEAN over the utterances of the batch, like m2m_loss and
// unssor_loss, which it is compared with. references, estimates: (B, S, T, F) complex, mixtures: (B, T, F) at the
// references' microphone; returns one value. The gradient flows into the estimates only.
Variable pit_ri_mag_loss(const Tensor& references, const Tensor& mixtures, const Variable& estimates);

// pit_loss of the waveforms of spectra, MEAN over the utterances of the batch: one permutation for all bins of an
// utterance. references: (B, S, L), estimates: (B, S, T, F) complex; returns one value, dB. The gradient flows into the
// estimates only. Throws Error for other shapes.
Variable pit_spectra_snr_loss(const Tensor& references, const Variable& estimates, const Stft& stft);

// Dynamic mixing (PIT-DM): shuffles the sources of a batch across its items and sums them to new mixtures.
// sources: (B, S, L); order: from shuffled_order, on their device -> targets (B, S, L), mixtures (B, L).
Remixed dynamic_mixing(const Tensor& sources, const Tensor& order);
// (B, S) int64: a random permutation of 0 ... B * S - 1. Depends on the arguments only.
Tensor shuffled_order(uint64_t seed, int64_t epoch, int64_t step, int64_t items, int64_t sources);

}  // namespace sunder
