// UNSSOR: unsupervised separation from over-determined far-field mixtures, the baseline of arXiv 2402.09313; constants
// from merlresearch/reverberation-as-supervision, configs/smswsj/unssor_*.yaml.
#pragma once

#include "objectives/fcp.h"

namespace sunder {

struct UnssorOptions {
  FcpConfig fcp = {};             // only the far-field filters are used
  double gamma = 0.02;            // weight of isms: 0.02 for six microphones, 0.06 for three
  double reference_weight = 0.2;  // of the reference microphone: 0.2 for six, 1/6 for three; the others have 1
  int64_t reference = 0;          // that microphone
  // "iva": each source as AuxIVA separates the recording is one more microphone (VM-UNSSOR, arXiv 2510.08914; there the
  // network hears them, too, and one at every real microphone: here they are in the loss alone and at the first
  // microphone, so that the trained network needs no AuxIVA). "none": real microphones only.
  std::string virtual_microphones = "none";
  double virtual_weight = 1;  // of their mixture constraints
  double anchor = 0;          // weight of pit_spectra_snr_loss (objectives/pit.h) against their signals, in unssor_step
};
// All but the filters and the reference.
Fields fields(UnssorOptions& options);

// Mixture constraint plus gamma times isms (tensor/ops/{mixture_constraint,isms}.h) of the images at the far-field
// microphones: weighted SUM over the microphones, MEAN over the utterances of the batch. estimates: (B, S, T, F)
// complex, mixtures: (B, P, T, F) of the same type; returns one value. `failures`: as in tensor/ops/fcp.h. The gradient
// flows into the estimates only. virtual_microphones: (B, S, T, F), each hears one source and has an FCP weight of its
// own; virtual_weight times their mixture constraints are added. Their images have
// no isms: the image of a source that such a microphone hardly hears is weak, and scatters however its bins belong
// together. Throws Error for other shapes and types, a reference microphone out of range and a batch without
// utterances.
Variable unssor_loss(const Variable& estimates, const Tensor& mixtures, const UnssorOptions& options,
                     const Tensor& failures = {}, const Tensor& virtual_microphones = {});

}  // namespace sunder
