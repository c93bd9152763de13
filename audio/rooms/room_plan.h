// Which utterances meet in the mixtures of a set of simulated rooms, as SMS-WSJ composes them.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "audio/corpora/corpus.h"
#include "audio/recording.h"
#include "audio/rooms/room_scene.h"

namespace sunder {

// "train_si284", "cv_dev93", "test_eval92": the names of the sets of SMS-WSJ, which other readers expect.
const char* sms_wsj_set(Split split);

// What is stored of a mixture (audio/rooms/room_files.h).
enum class RoomStorage {
  training,  // what training and scoring read: the recordings, and the speakers' images at the first microphone
  images,    // the same, with the images at all microphones of the array
  all,       // all that SMS-WSJ has, and the same for the close-talk microphones
};

struct RoomSetOptions {
  std::array<int64_t, 3> counts{};  // mixtures of each split
  uint64_t seed = 0;                // 0: the rooms of SMS-WSJ itself, scene by scene
  Channels channels = Channels::one;
  int sources = 2;  // speakers of a mixture, 1 ... room_most_sources
  int sample_rate = room_sample_rate;
  RoomStorage storage = RoomStorage::training;
};

struct RoomSetCounts {
  int64_t mixtures = 0, utterances = 0, speakers = 0;
  int64_t surplus = 0;  // utterances left out, of a speaker who has too many to be mixed with all others
};

struct RoomUtterance {
  std::string id;  // the path without extension, '-' for '/', '_' and ' ': '_' joins the ids of an example
  Recording recording;
};

struct RoomSetPlan {
  std::filesystem::path corpus;  // its root
  Split split = Split::train;
  RoomSetOptions options;
  std::string key{};  // names the rooms: the set's name and the seed
  std::vector<RoomUtterance> utterances{};
  std::vector<std::vector<int64_t>> mixtures{};  // utterances of each
  RoomSetCounts counts{};

  std::string set() const { return sms_wsj_set(split); }
  std::string id(int64_t mixture) const;  // "0_ann-1_bob-7"
};

// A pure function of corpus and options. Utterances are used equally often. Throws InputError for fewer speakers than
// sources, for recordings of one name, and for names that are not UTF-8.
RoomSetPlan plan_room_set(const Corpus& corpus, Split split, const RoomSetOptions& options);

// Throws InputError for a name that a JSON file cannot hold.
void require_utf8(const std::string& name);

}  // namespace sunder
