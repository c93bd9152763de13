// Reads the folder trees of SMS-WSJ and SMS-WSJ-FF-CT through their list, sms_wsj.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace sunder {

// The files of one example; empty where the list lacks the key.
struct RoomFiles {
  std::filesystem::path observation, ct_observation;
  std::vector<std::filesystem::path> image, early, tail;  // one for each speaker
  std::vector<std::filesystem::path> ct_image, ct_early, ct_tail;
  std::vector<std::filesystem::path> dry;  // the recordings before the room was simulated
};

struct RoomEntry {
  std::string id;
  int64_t length = 0;  // samples
  std::vector<std::string> speakers;
  RoomFiles files;
};

// float32 on the CPU: S speakers, M microphones of the array, C close to the speakers, L samples.
struct RoomItem {
  std::string id;
  Tensor observation;     // (M, L)
  Tensor images;          // (S, M, L): each speaker alone at each microphone, or (S, 1, L): at the first
  Tensor ct_observation;  // (C, L); undefined without close-talk microphones
  Tensor ct_images;       // (S, C, L); undefined unless asked for, too
};

// What to read: each part costs reading its files.
struct RoomParts {
  bool images = true, close_talk = true, ct_images = false;
};

struct SmsWsjOptions {
  // Paths of the list that begin with `from` begin with `to` instead.
  std::string from{}, to{};
};

class SmsWsjSet {
 public:
  // `list`: sms_wsj.json or the folder that holds it; `set`: one of its sets, or train, valid, test for SMS-WSJ's own
  // names. Paths in the list are absolute, or relative to it; a file that is missing there but exists under the same
  // last folders (<signal>/<set>/<file>) in the list's own folder is taken from there, so that a tree can be moved.
  // Speaker images are speech_image where the list has it, of all microphones or of the first alone; else the sum of
  // early (also called speech_reverberation_direct) and tail. Throws InputError for a list that is missing, not JSON or
  // not of this form, for a set that it lacks (with those it has), and for the first missing observation.
  static SmsWsjSet open(const std::filesystem::path& list, const std::string& set, const SmsWsjOptions& options = {});

  int64_t size() const { return static_cast<int64_t>(entries_.size()); }
  const RoomEntry& entry(int64_t i) const { return entries_[i]; }
  int num_sources() const { return static_cast<int>(entries_[0].speakers.size()); }
  int microphones() const { return microphones_; }
  int close_talk() const { return close_talk_; }  // 0: the tree has none
  int sample_rate() const { return sample_rate_; }

  // The same bits at every call; safe to call from several threads. Throws InputError with the file that is missing,
  // broken, or of other channels, rate or length than the set or the observation.
  RoomItem load(int64_t i, const RoomParts& parts = {}) const;

 private:
  SmsWsjSet() = default;
  Tensor read(const std::filesystem::path& path, int channels, int64_t length) const;
  Tensor read_each(const std::vector<std::filesystem::path>& paths, int channels, int64_t length) const;

  std::filesystem::path list_;
  std::vector<RoomEntry> entries_;
  int microphones_ = 0, close_talk_ = 0, sample_rate_ = 0;
  int image_microphones_ = 0;  // of speech_image
};

}  // namespace sunder
