// Writes sets of mixtures in rooms in the layout of SMS-WSJ, from any recorded speech.
#pragma once

#include "audio/progress.h"
#include "audio/rooms/room_plan.h"

namespace sunder {

// Writes a split's mixtures into `root`: <signal>/<set>/<id>[_<speaker>].wav (float32; audio/rooms/room_files.h; of
// ct_... channel d is the microphone close to speaker d), {rirs,ct_rirs}/<set>/<index>/h_<speaker>.wav (float64) and
// sources/<set>/<utterance>.wav (the dry recordings, mean removed, peak at full scale), as far as options.storage says.
// Then adds the split to root/sms_wsj.json, whose paths begin with `final_root`. Rooms and levels follow from the plan
// (audio/rooms/room_scene.h). Throws InputError for recordings that cannot be read or are silent.
void write_room_set(const RoomSetPlan& plan, const std::filesystem::path& root, const std::filesystem::path& final_root,
                    const Progress& progress = {});

}  // namespace sunder
