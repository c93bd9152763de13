// What the ranks of a run check, and what all of them must decide alike.
#pragma once

#include <map>
#include <string>

#include "distributed/communicator.h"
#include "train/data_identity.h"
#include "train/learner.h"
#include "train/method.h"

namespace sunder {

// Throws UsageError for a configuration that so many ranks cannot share.
void check_ranks(const Config& config, const MethodNeeds& needs, const Communicator& ranks);

// What must be the same on all ranks, by name: the configuration but for what is a machine's own (threads, paths), the
// data, the method, the build, the SIMD level (Adam's bits depend on it) and the weights.
using RankFacts = std::map<std::string, std::string>;
RankFacts rank_facts(const Config& config, const std::string& method, const DataIdentity& data,
                     const Parameters& parameters);
// Of Parameters::values().
std::string weights_digest(const Parameters& parameters);

// Throws UsageError on all ranks where theirs differ, with every difference: which name, which ranks, which values.
void compare_ranks(Communicator& ranks, const RankFacts& facts);

// What a step boundary of several ranks finds.
struct Agreement {
  double minutes;      // of training, by rank 0's clock
  std::string signal;  // that asks the run to stop, "SIGTERM", of the lowest rank that got one; empty: none
};
// minutes: of this rank, of which rank 0's count.
Agreement agree(Communicator& ranks, double minutes);

// The sum of a count over the ranks.
int64_t sum_over(Communicator& ranks, int64_t count);

}  // namespace sunder
