#include "audio/sets/sms_wsj.h"

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "audio/file.h"
#include "audio/rooms/room_plan.h"
#include "audio/sets/item_id.h"
#include "files/json.h"
#include "files/system_error.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// Maps a list's paths to files.
struct Locator {
  fs::path folder;  // of the list
  SmsWsjOptions options;

  fs::path operator()(const std::string& text) const {
    std::string renamed = text;
    if (!options.from.empty() && text.starts_with(options.from))
      renamed = options.to + text.substr(options.from.size());
    fs::path path(renamed);
    if (path.is_relative()) return folder / path;
    if (fs::exists(path)) return path;
    fs::path last;
    auto part = path.end();
    for (int i = 0; i < 3 && part != path.begin(); ++i) last = last.empty() ? *--part : *--part / last;
    return fs::exists(folder / last) ? folder / last : path;
  }
};

std::vector<fs::path> paths_at(const json& audio_paths, std::initializer_list<const char*> keys,
                               const Locator& locate) {
  std::vector<fs::path> paths;
  for (const char* key : keys) {
    if (!audio_paths.contains(key)) continue;
    const json& value = audio_paths.at(key);
    if (value.is_string()) paths.push_back(locate(value.get<std::string>()));
    else
      for (const json& path : value) paths.push_back(locate(path.get<std::string>()));
    break;
  }
  return paths;
}

RoomEntry parse_entry(const std::string& id, const json& example, const Locator& locate) {
  RoomEntry entry{.id = id, .speakers = example.at("speaker_id").get<std::vector<std::string>>(), .files = {}};
  // Older lists: one number for all signals.
  const json& samples = example.at("num_samples");
  const json& length = samples.is_object() ? samples.at("observation") : samples;
  entry.length = length.is_number_integer() ? length.get<int64_t>() : 0;
  const json& audio = example.at("audio_path");
  const auto one = [&](const char* key) {
    const auto paths = paths_at(audio, {key}, locate);
    return paths.empty() ? fs::path() : paths[0];
  };
  entry.files = {.observation = one("observation"),
                 .ct_observation = one("ct_observation"),
                 .image = paths_at(audio, {"speech_image"}, locate),
                 .early = paths_at(audio, {"speech_reverberation_early", "speech_reverberation_direct"}, locate),
                 .tail = paths_at(audio, {"speech_reverberation_tail"}, locate),
                 .ct_image = paths_at(audio, {"ct_speech_image"}, locate),
                 .ct_early = paths_at(audio, {"ct_speech_reverberation_early"}, locate),
                 .ct_tail = paths_at(audio, {"ct_speech_reverberation_tail"}, locate),
                 .dry = paths_at(audio, {"original_source"}, locate)};
  return entry;
}

// Examples are converted and dropped while the list is parsed: SMS-WSJ's has 140 MB, and takes several times that as a
// JSON tree.
std::vector<RoomEntry> read_list(const fs::path& list, const std::string& set, const Locator& locate) {
  std::ifstream file(list);
  if (!file && errno == ENOENT) throw_error<InputError>("{}: no such file", list.string());
  if (!file) throw_system_error(list, "cannot be opened", errno);
  std::vector<RoomEntry> entries;
  bool found = false;
  std::vector<std::string> sets;
  const TakeJson take = [&](const std::vector<std::string>& keys, const json& value) {  // of datasets, set, example
    if (keys.empty() || keys[0] != "datasets") return;
    found = true;
    if (keys.size() >= 2 && (sets.empty() || sets.back() != keys[1])) sets.push_back(keys[1]);
    if (keys.size() < 3 || keys[1] != set) return;
    require_file_name(keys[2], fmt::format("{}: example {}", list.string(), entries.size() + 1));
    try {
      entries.push_back(parse_entry(keys[2], value, locate));
    } catch (const json::exception& error) {
      throw_error<InputError>("{}: example {}: not as in SMS-WSJ: {}", list.string(), keys[2], error.what());
    }
  };
  try {
    read_json(file, 3, take);
  } catch (const JsonError& error) {
    throw_error<InputError>("{}: the list {}", list.string(), error.what());
  }
  if (!found) throw_error<InputError>("{}: expected a list of SMS-WSJ, found no \"datasets\"", list.string());
  if (std::find(sets.begin(), sets.end(), set) == sets.end())
    throw_error<InputError>("{}: has no set {}, only {}", list.string(), set, fmt::join(sets, ", "));
  if (entries.empty()) throw_error<InputError>("{}: the set {} is empty", list.string(), set);
  return entries;
}

void check_entry(const fs::path& list, const RoomEntry& entry, const RoomEntry& first) {
  const size_t speakers = entry.speakers.size();
  if (speakers != first.speakers.size() || speakers < 1)
    throw_error<InputError>("{}: example {}: expected {} speakers as in {}, got {}", list.string(), entry.id,
                            first.speakers.size(), first.id, speakers);
  if (entry.length < 1)
    throw_error<InputError>("{}: example {}: expected samples, got {}", list.string(), entry.id, entry.length);
  if (entry.files.observation.empty())
    throw_error<InputError>("{}: example {}: names no observation", list.string(), entry.id);
  if (entry.files.ct_observation.empty() != first.files.ct_observation.empty())
    throw_error<InputError>("{}: only one of the examples {} and {} has close-talk microphones", list.string(),
                            first.id, entry.id);
  const RoomFiles& files = entry.files;
  for (const auto* paths : {&files.image, &files.early, &files.tail, &files.ct_image, &files.ct_early, &files.ct_tail})
    if (!paths->empty() && paths->size() != speakers)
      throw_error<InputError>("{}: example {}: expected a file for each of {} speakers, got {} ({} ...)", list.string(),
                              entry.id, speakers, paths->size(), paths->front().string());
}

}  // namespace

SmsWsjSet SmsWsjSet::open(const fs::path& list, const std::string& set, const SmsWsjOptions& options) {
  SmsWsjSet result;
  result.list_ = fs::absolute(fs::is_directory(list) ? list / "sms_wsj.json" : list).lexically_normal();
  std::string name = set;
  for (const Split split : all_splits)
    if (set == split_name(split)) name = sms_wsj_set(split);
  result.entries_ = read_list(result.list_, name, {result.list_.parent_path(), options});
  int64_t missing = 0;
  const RoomEntry* gone = nullptr;
  for (const RoomEntry& entry : result.entries_) {
    check_entry(result.list_, entry, result.entries_[0]);
    if (fs::exists(entry.files.observation)) continue;
    if (missing++ == 0) gone = &entry;
  }
  if (gone)
    throw_error<InputError>(
        "{}: no such file (the observation of {} in {}; {} of {} are missing; rewrite the paths' "
        "beginning if the tree was moved)",
        gone->files.observation.string(), gone->id, result.list_.string(), missing, result.size());
  const AudioInfo info = audio_info(result.entries_[0].files.observation);
  result.microphones_ = result.image_microphones_ = info.channels, result.sample_rate_ = info.sample_rate;
  if (const auto& images = result.entries_[0].files.image; !images.empty() && fs::exists(images[0]))
    if (audio_info(images[0]).channels == 1) result.image_microphones_ = 1;
  if (const fs::path& close = result.entries_[0].files.ct_observation; !close.empty())
    result.close_talk_ = audio_info(close).channels;
  return result;
}

Tensor SmsWsjSet::read(const fs::path& path, int channels, int64_t length) const {
  const Audio audio = read_audio(path);
  if (audio.channels != channels || audio.sample_rate != sample_rate_ || audio.frames != length)
    throw_error<InputError>("{}: expected {} channels of {} samples at {} Hz, got {} of {} at {} Hz", path.string(),
                            channels, length, sample_rate_, audio.channels, audio.frames, audio.sample_rate);
  return deinterleaved(audio);
}

Tensor SmsWsjSet::read_each(const std::vector<fs::path>& paths, int channels, int64_t length) const {
  Tensor all = Tensor::empty({static_cast<int64_t>(paths.size()), channels, length}, DType::float32);
  for (int64_t k = 0; k < all.size(0); ++k)
    all.slice(k, k + 1).copy_from(read(paths[k], channels, length).reshape({1, channels, length}));
  return all;
}

RoomItem SmsWsjSet::load(int64_t i, const RoomParts& parts) const {
  const RoomEntry& entry = entries_[i];
  const RoomFiles& files = entry.files;
  const auto images = [&](const char* what, const std::vector<fs::path>& whole, const std::vector<fs::path>& early,
                          const std::vector<fs::path>& tail, int channels, int whole_channels) {
    if (!whole.empty()) return read_each(whole, whole_channels, entry.length);
    if (early.empty() || tail.empty())
      throw_error<InputError>("{}: example {}: names neither {} images nor their early and tail parts", list_.string(),
                              entry.id, what);
    const Tensor sum = read_each(early, channels, entry.length), rest = read_each(tail, channels, entry.length);
    for (int64_t n = 0; n < sum.numel(); ++n) sum.mutable_data<float>()[n] += rest.data<float>()[n];
    return sum;
  };
  RoomItem item{.id = entry.id,
                .observation = read(files.observation, microphones_, entry.length),
                .images = {},
                .ct_observation = {},
                .ct_images = {}};
  if (parts.images)
    item.images = images("speech", files.image, files.early, files.tail, microphones_, image_microphones_);
  if (parts.close_talk && close_talk_ > 0) item.ct_observation = read(files.ct_observation, close_talk_, entry.length);
  if (parts.ct_images && close_talk_ > 0)
    item.ct_images = images("close-talk", files.ct_image, files.ct_early, files.ct_tail, close_talk_, close_talk_);
  return item;
}

}  // namespace sunder
