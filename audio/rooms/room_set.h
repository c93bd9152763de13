// Writes sets of mixtures in rooms in the layout of SMS-WSJ, from any recorded speech.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "audio/corpora/corpus.h"
#include "audio/progress.h"
#include "audio/recording.h"

namespace sunder {

// "train_si284", "cv_dev93", "test_eval92": the names of the sets of SMS-WSJ, which other readers expect.
const char* sms_wsj_set(Split split);

struct RoomSetOptions {
  std::array<int64_t, 3> counts{};  // mixtures of each split
  uint64_t seed = 0;                // 0: the rooms of SMS-WSJ itself, scene by scene
  Channels channels = Channels::one;
};

struct RoomSetCounts {
  int64_t mixtures = 0, utterances = 0, speakers = 0;
  int64_t surplus = 0;  // utterances left out, of a speaker who has too many to be paired with all others
};

// Writes a split's mixtures of two into `root`: {observation, noise, early, tail, speech_source, ct_observation,
// ct_noise, ct_early, ct_tail}/<set>/<id>[_<speaker>].wav (float32; ct_...: channel d is the microphone close to
// speaker d), {rirs, ct_rirs}/<set>/<index>/h_<speaker>.wav (float64) and sources/<set>/<utterance>.wav (the dry
// recordings, mean removed, peak at full scale). Then adds the split to root/sms_wsj.json, whose paths begin with
// `final_root`. Pairs, rooms and levels are a pure function of corpus and options (audio/rooms/room_scene.h). Throws
// InputError for recordings that cannot be read or are silent, and for fewer than two speakers.
RoomSetCounts write_room_set(const Corpus& corpus, Split split, const RoomSetOptions& options,
                             const std::filesystem::path& root, const std::filesystem::path& final_root,
                             const Progress& progress = {});

}  // namespace sunder
