#include "audio/rooms/room_files.h"

#include <algorithm>
#include <set>

namespace sunder {
namespace {

using enum RoomChannels;

constexpr RoomSignal observation{"observation", "observation", &RoomMixture::observation, false, array},
    ct_observation{"ct_observation", "ct_observation", &RoomMixture::ct_observation, false, close_talk};

constexpr RoomSignal training_signals[] = {
    observation, ct_observation, {"speech_image", "speech_image", &RoomMixture::image, true, first}};

constexpr RoomSignal image_signals[] = {
    observation, ct_observation, {"speech_image", "speech_image", &RoomMixture::image, true, array}};

constexpr RoomSignal all_signals[] = {
    observation,
    ct_observation,
    {"noise", "noise_image", &RoomMixture::noise, false, array},
    {"early", "speech_reverberation_early", &RoomMixture::early, true, array},
    {"tail", "speech_reverberation_tail", &RoomMixture::tail, true, array},
    {"speech_source", "speech_source", &RoomMixture::speech_source, true, one},
    {"ct_noise", "ct_noise_image", &RoomMixture::ct_noise, false, close_talk},
    {"ct_early", "ct_speech_reverberation_early", &RoomMixture::ct_early, true, close_talk},
    {"ct_tail", "ct_speech_reverberation_tail", &RoomMixture::ct_tail, true, close_talk},
};

int64_t count_of(RoomChannels channels, int64_t sources) {
  return channels == array ? room_microphones : channels == close_talk ? sources : 1;
}

}  // namespace

std::span<const RoomSignal> room_signals(RoomStorage storage) {
  if (storage == RoomStorage::all) return all_signals;
  return storage == RoomStorage::images ? std::span<const RoomSignal>(image_signals) : training_signals;
}

bool has_dry_sources(RoomStorage storage, Split split) { return storage == RoomStorage::all || split == Split::train; }

bool has_responses(RoomStorage storage) { return storage == RoomStorage::all; }

uint64_t room_set_bytes(const RoomSetPlan& plan, const std::map<std::string, int64_t>& lengths,
                        const std::filesystem::path& final_root) {
  const RoomStorage storage = plan.options.storage;
  const int64_t sources = plan.options.sources;
  int64_t channels = 0, files = 0;  // of a mixture
  for (const RoomSignal& signal : room_signals(storage)) {
    const int64_t speakers = signal.each ? sources : 1;
    channels += speakers * count_of(signal.channels, sources);
    files += speakers;
  }
  int64_t responses = 0;  // bytes
  if (has_responses(storage)) {
    files += 2 * sources;
    responses = sources * (room_microphones + sources) * room_response_length(plan.options.sample_rate) * 8;
  }
  // A header, the path in the list, and the line in the record of the folder.
  const auto path = static_cast<int64_t>(final_root.string().size());
  constexpr int64_t header = 80, record = 200, description = 900;
  const int64_t file_bytes = header + path + record, mixture_bytes = description + files * file_bytes + responses;

  const auto length = [&](int64_t utterance) { return lengths.at(plan.utterances[utterance].recording.path); };
  int64_t bytes = 0;
  std::set<int64_t> used;
  for (const auto& mixture : plan.mixtures) {
    int64_t longest = 0;
    for (const int64_t utterance : mixture) longest = std::max(longest, length(utterance)), used.insert(utterance);
    bytes += longest * channels * 4 + mixture_bytes;
  }
  if (has_dry_sources(storage, plan.split))
    for (const int64_t utterance : used) bytes += length(utterance) * 4 + file_bytes;
  return static_cast<uint64_t>(bytes);
}

}  // namespace sunder
