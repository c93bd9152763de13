// A list over a corpus: set.toml and <split>.csv, as sunder-prepare writes them.
#pragma once

#include "audio/sets/mixture_items.h"

namespace sunder {

// Null where `folder` has no set.toml. Throws InputError for a set that is damaged or lacks what the options ask for.
std::shared_ptr<const MixtureItems> open_listed_items(const std::filesystem::path& folder, Split split,
                                                      const MixtureSetOptions& options);

}  // namespace sunder
