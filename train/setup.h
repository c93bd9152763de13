// From a configuration and a method to the network and data of a run.
#pragma once

#include "train/data_identity.h"
#include "train/learner.h"
#include "train/loader.h"
#include "train/method.h"
#include "train/sets.h"
#include "train/validation.h"

namespace sunder {

// Throws UsageError where keys contradict each other or the method.
void check_config(const Config& config, const MethodDefinition& method);

// The configuration of the method's network: the recipe's sizes, its outputs, and what its spectra are.
std::unique_ptr<SeparatorConfig> network_config(const Config& config, const MethodNeeds& needs);

struct TrainingData {
  std::unique_ptr<Loader> training;
  std::unique_ptr<Validator> validation;
  DataIdentity identity;
  std::vector<std::string> notes;  // of open_sets
};
// Throws InputError for sets that the training cannot use, UsageError where the configuration does not fit them.
TrainingData open_data(const TrainingSets& sets, const Config& config, const MethodNeeds& needs, const Learner& learner,
                       Communicator& ranks);

// Steps of the whole run, from train.max_epochs; 0 without a limit.
int64_t expected_steps(const Config& config, const MethodNeeds& needs, const Loader& training);

}  // namespace sunder
