// MixPIT (arXiv 2202.03875, section III): MixIT's task with as many estimates as mixtures, so that each estimate must
// be one of the mixtures. Input and targets come from sum_mixtures (objectives/mixit.h).
#pragma once

#include "objectives/pit.h"

namespace sunder {

// mixtures: (B, S, L), estimates: (B, S, L); mean over the mixtures, SUM over the batch, dB.
inline Variable mixpit_loss(const Tensor& mixtures, const Variable& estimates, double snr_max_db = 30) {
  return pit_loss(mixtures, estimates, snr_max_db);
}

}  // namespace sunder
