// What other projects' networks assume and their weights do not show (docs/import.md).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/foreign_layout.h"

namespace sunder {

struct ForeignProject {
  std::string name;
  std::vector<ForeignNetwork> networks;
  std::map<std::string, std::string> assumed;  // by our metadata keys: what its defaults and recipes say
  int64_t hops_per_frame;                      // n_fft / hop_length in them
  std::map<std::string, std::string> keys;     // our keys by those of its own configurations, for STFT networks
};

// What a key of the STFT Conv-TasNet is called where the filters are learned.
std::string key_of_learned_filters(const std::string& key);

std::vector<std::string> foreign_projects();  // "asteroid", "espnet", "merl", "torchaudio"
// Throws UnknownName.
const ForeignProject& foreign_project(const std::string& name);

}  // namespace sunder
