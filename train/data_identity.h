// What a run was trained on: enough to notice that a resumed run is given other data.
#pragma once

#include <string>
#include <vector>

#include "audio/sets/mixture_set.h"
#include "files/settings.h"
#include "train/checkpoint.h"

namespace sunder {

struct SetIdentity {
  int64_t items = 0;
  int64_t sample_rate = 0;  // Hz
  std::string digest{};     // of the list of items (MixtureSet::contents), not of their samples
};

struct DataIdentity {
  SetIdentity training, validation;
};

SetIdentity identify(const MixtureSet& set);

// All of it is stored in a checkpoint.
Fields fields(DataIdentity& data);

// Compares the data with what a checkpoint was trained on. Throws ModelError for another sample rate, which no network
// survives, and unless `may_change` for other items or another number of them. Returns one line for each difference.
// Checkpoints of older versions know the rate alone.
std::vector<std::string> compare_data(const DataIdentity& data, const Checkpoint& checkpoint, bool may_change);

}  // namespace sunder
