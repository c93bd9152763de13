// From a configuration and a method to what a training works with.
#pragma once

#include "train/learner.h"
#include "train/loader.h"
#include "train/method.h"
#include "train/validation.h"

namespace sunder {

// Throws UsageError where keys contradict each other or the method.
void check_config(const Config& config, const MethodDefinition& method);

// The sizes of the method's network: its outputs, and what its spectra are.
std::unique_ptr<SeparatorConfig> network_config(const Config& config, const MethodNeeds& needs);

struct TrainingData {
  std::unique_ptr<Loader> training;
  std::unique_ptr<Validator> validation;
};
// Throws InputError for sets that the training cannot use, UsageError where the configuration does not fit them.
TrainingData open_data(const Config& config, const MethodNeeds& needs, const Learner& learner);

// Steps of the whole run, by train.max_epochs; 0 without.
int64_t expected_steps(const Config& config, const MethodNeeds& needs, const Loader& training);

}  // namespace sunder
