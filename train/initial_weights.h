// Initial weights from a file (--init).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "nn/module.h"

namespace sunder {

struct InitialWeights {
  std::optional<int> sample_rate;   // Hz, of the file's model; none where it does not say
  std::vector<std::string> report;  // sentences: what matched, is missing, has another shape, is unused
};

// path: a checkpoint, a run (its best checkpoint) or a .safetensors file. `partial`: takes the tensors whose name and
// shape match, and leaves the others as they are. Throws ModelError for another network's weights, with the numbers of
// tensors that match or not; with `partial` where no tensor matches.
InitialWeights load_initial_weights(const Parameters& parameters, const std::filesystem::path& path, bool partial);

}  // namespace sunder
