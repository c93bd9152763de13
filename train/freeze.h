// Parameters that are not trained, by the patterns of optim.freeze.
#pragma once

#include <string>
#include <vector>

#include "nn/module.h"

namespace sunder {

// The names of the state dict that match one of the patterns (fnmatch: * ? [...]), which commas separate. Throws
// UsageError for a pattern that matches none, with the nearest names, and where nothing is left to train.
std::vector<std::string> matching_parameters(const std::string& patterns, const Parameters& parameters);

// "frozen: 3 of 20 tensors (1200 of 34000 parameters): a, b, c"
std::string describe_frozen(const std::vector<std::string>& names, const Parameters& parameters);

}  // namespace sunder
