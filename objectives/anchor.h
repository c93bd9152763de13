// What ties the bins of a speaker together. A mixture constraint is the same for any permutation of the speakers within
// a bin, and so are all losses of filtered estimates in effect: where the wrong speaker is in an output, the filter of
// this bin is near zero, and with it the gradient. So the anchor holds the estimates themselves against targets at the
// first microphone.
#pragma once

#include "nn/stft.h"
#include "objectives/fcp.h"

namespace sunder {

// The close-talk mixtures as the first far-field microphone hears them: each by FCP with the far-field taps. close:
// (B, C, T, F) complex, far: (B, P, T, F) of the same type -> (B, C, T, F). `failures`: as in tensor/ops/fcp.h.
Tensor close_talk_targets(const Tensor& close, const Tensor& far, const FcpConfig& fcp, const Tensor& failures = {});

// The negative thresholded SNR (tensor/ops/pit_snr.h) of the estimates' waveforms with the best assignment to the
// targets for all bins of an utterance: mean over the sources, MEAN over the utterances of the batch, dB. estimates:
// (B, S, T, F) complex, targets: (B, S, L); returns one value. The gradient flows into the estimates only. Throws Error
// for other shapes.
Variable anchor_loss(const Variable& estimates, const Tensor& targets, const Stft& stft);

}  // namespace sunder
