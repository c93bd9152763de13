// What ties the bins of a speaker together where a microphone hears mainly one of them.
#pragma once

#include "autograd/ops.h"

namespace sunder {

// One estimate alone for each microphone: the distance of its image from the mixture by real part, imaginary part and
// magnitude over the sum of |mixture| (tensor/ops/mixture_constraint.h, of a single image), SUM over the microphones
// and over the batch, for every utterance with the assignment of estimates to microphones that has the smallest sum. It
// holds for all bins at once, where a mixture constraint is the same for any permutation in a bin. images: (B, S, S, T,
// F), of every estimate at S microphones; mixtures: (B, S, T, F) of the same type, at microphones close to one speaker
// each; returns one value. Throws Error for other shapes and types.
Variable anchor_loss(const Variable& images, const Tensor& mixtures);

}  // namespace sunder
