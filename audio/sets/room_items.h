// A tree of SMS-WSJ or of simulated rooms (audio/sets/sms_wsj.h).
#pragma once

#include "audio/sets/mixture_items.h"

namespace sunder {

// Null where `folder` has no sms_wsj.json. Throws InputError for a set that is damaged or lacks what the options ask
// for.
std::shared_ptr<const MixtureItems> open_room_items(const std::filesystem::path& folder, Split split,
                                                    const MixtureSetOptions& options);

}  // namespace sunder
