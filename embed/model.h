// What a sunder_model is.
#pragma once

#include <memory>

#include "embed/sunder.h"
#include "nn/architectures.h"

struct sunder_model {
  std::shared_ptr<const sunder::LoadedModel> shared;  // with its sessions
};

namespace sunder::embed {

// One for each model and session that exists. With the last, the library's threads end and cached memory goes back to
// the system.
class Guest {
 public:
  Guest();
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
};

}  // namespace sunder::embed
