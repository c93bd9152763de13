// The training and validation sets of a run.
#pragma once

#include "audio/sets/mixture_set.h"
#include "train/method.h"

namespace sunder {

struct TrainingSets {
  MixtureSet training, validation;
  std::vector<std::string> notes;  // for the log
};

// Opens config.data.set and completes the configuration with what depends on it, so that it says what the run does:
//   - data.sample_rate becomes the rate of recordings (audio/sets/recording_items.h), and is compared with other sets';
//   - data.segment_seconds becomes 2 for recordings of several lengths if it is 0;
//   - validation.select becomes, where it is si_snri and validation has no clean sources, valid_loss for a method that
//     has a loss on the validation set, else blind where the network has a blind score, else loss.
// Throws ReferencesMissing where the method needs clean sources, UsageError and InputError where the configuration and
// the sets do not fit.
TrainingSets open_sets(Config& config, const MethodDefinition& method);

}  // namespace sunder
