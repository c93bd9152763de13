// Folders of audio files: LibriMix, WSJ0-2mix, or {train,valid,test}/{mix,s1,s2}.
#pragma once

#include "audio/sets/mixture_items.h"

namespace sunder {

// Null where `folder` has no known layout with a folder for this split. Throws InputError for a set that is damaged or
// lacks what the options ask for.
std::shared_ptr<const MixtureItems> open_folder_items(const std::filesystem::path& folder, Split split,
                                                      const MixtureSetOptions& options);

}  // namespace sunder
