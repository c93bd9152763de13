// The signals that a tree of simulated rooms holds of each mixture, and the disk they take.
#pragma once

#include <map>
#include <span>

#include "audio/rooms/room_mixture.h"
#include "audio/rooms/room_plan.h"

namespace sunder {

enum class RoomChannels { array, first, close_talk, one };

struct RoomSignal {
  const char *folder, *key;  // <folder>/<set>/<mixture>.wav; in audio_path of sms_wsj.json
  Tensor RoomMixture::*signal;
  bool each;  // a file for each speaker
  RoomChannels channels;
};

std::span<const RoomSignal> room_signals(RoomStorage storage);
// sources/<set>/<utterance>.wav, the dry recordings: new rooms in every epoch of a training are made of them.
bool has_dry_sources(RoomStorage storage, Split split);
// {rirs,ct_rirs}/<set>/<index>/h_<speaker>.wav.
bool has_responses(RoomStorage storage);

// Bytes of a split's files below `final_root`, whose length is in the paths of the list: samples exactly, headers and
// lists approximately, together within 5 %. lengths: samples of each recording at options.sample_rate, by path.
uint64_t room_set_bytes(const RoomSetPlan& plan, const std::map<std::string, int64_t>& lengths,
                        const std::filesystem::path& final_root);

}  // namespace sunder
