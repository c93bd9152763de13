// Trees of SMS-WSJ as mixture sets.
#include "audio/sets/room_items.h"

#include <set>

#include "audio/recording.h"
#include "audio/rooms/room_mixture.h"
#include "audio/rooms/room_plan.h"
#include "audio/sets/sms_wsj.h"
#include "tensor/error.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

bool lists_images(const RoomEntry& entry) {
  return !entry.files.image.empty() || (!entry.files.early.empty() && !entry.files.tail.empty());
}

// Of new rooms' responses. What is cut off has 54 dB less energy than the response, or still less: the noise has 20 to
// 30 dB less than the speech.
constexpr double drawn_decay_db = 75;

class RoomItems : public MixtureItems {
 public:
  RoomItems(const fs::path& folder, Split split, const MixtureSetOptions& options)
      : set_(SmsWsjSet::open(folder, split_name(split), {.from = options.path_from, .to = options.path_to})),
        name_(sms_wsj_set(split)),
        options_(options),
        channels_(options.channels == 0 ? set_.microphones() : options.channels) {
    if (options.channels > set_.microphones())
      throw_error<InputError>("{}: expected at least {} microphones, found {}", folder.string(), options.channels,
                              set_.microphones());
    if (options.close_talk && set_.close_talk() != set_.num_sources())
      throw_error<InputError>("{}: expected a close-talk microphone for each of {} speakers (ct_observation), found {}",
                              folder.string(), set_.num_sources(), set_.close_talk());
    if (options.on_the_fly && (set_.num_sources() > room_most_sources || set_.microphones() != room_microphones))
      throw_error<InputError>("{}: new rooms have {} microphones and at most {} speakers, found {} and {}",
                              folder.string(), room_microphones, room_most_sources, set_.microphones(),
                              set_.num_sources());
    bool all_list_images = true;
    for (int64_t i = 0; i < size(); ++i) all_list_images &= lists_images(set_.entry(i));
    with_sources_ =
        options.sources == CleanSources::required || (options.sources == CleanSources::where_listed && all_list_images);
    for (int64_t i = 0; i < size(); ++i) require_files(set_.entry(i));
  }

  int64_t size() const override { return set_.size(); }
  int num_sources() const override { return set_.num_sources(); }
  int sample_rate() const override { return set_.sample_rate(); }
  int channels() const override { return channels_; }
  bool has_sources() const override { return with_sources_; }
  std::vector<fs::path> reads_from() const override {
    std::set<fs::path> folders;
    for (int64_t i = 0; i < size(); ++i) {
      const RoomFiles& files = set_.entry(i).files;
      folders.insert(files.observation.parent_path());
      for (const auto* paths : {&files.image, &files.early, &files.tail})
        for (const fs::path& path : *paths) folders.insert(path.parent_path());
    }
    return {folders.begin(), folders.end()};
  }
  int64_t length(int64_t i) const override { return set_.entry(i).length; }
  std::string id(int64_t i) const override { return set_.entry(i).id; }
  std::string contents(int64_t i) const override {
    const RoomEntry& entry = set_.entry(i);
    return fmt::format("{} {} {}", entry.id, entry.length, fmt::join(entry.speakers, " "));
  }

  Mixture load(int64_t i) const override {
    const RoomItem item = set_.load(i, {.images = with_sources_, .close_talk = options_.close_talk});
    return mixture_of(i, item.observation, item.images, item.ct_observation);
  }

  // Epoch 0 is the tree; in every later epoch the same speakers meet in another room, at other places and levels.
  Mixture draw(int64_t i, int64_t epoch) const override {
    if (!options_.on_the_fly || epoch == 0) return load(i);
    const RoomEntry& entry = set_.entry(i);
    std::vector<std::vector<float>> dry;
    for (const fs::path& path : entry.files.dry) dry.push_back(read_recording(path, sample_rate(), Channels::one));
    const std::string name = fmt::format("{}/seed-{}/epoch-{}", name_, options_.seed, epoch);
    RoomScene scene = draw_room_scene(name, i, num_sources());
    if (!options_.close_talk) scene.close_talk.clear();  // which leaves the array's signals as they are
    const Tensor responses = scene_responses(scene, {.sample_rate = sample_rate(), .decay_db = drawn_decay_db});
    // Noise and SNR follow from the example's name, so the name must be new too.
    const RoomMixture mixture = mix_in_room(responses, static_cast<int>(scene.close_talk.size()), dry, name,
                                            name + "/" + entry.id, /*parts=*/false, sample_rate());
    return mixture_of(i, mixture.observation, mixture.image, mixture.ct_observation);
  }

 private:
  // Reports a missing file now, not in the middle of an epoch.
  void require_files(const RoomEntry& entry) const {
    const RoomFiles& files = entry.files;
    std::vector<fs::path> needed;
    const auto need = [&](const std::vector<fs::path>& paths) {
      needed.insert(needed.end(), paths.begin(), paths.end());
    };
    if (options_.close_talk) needed.push_back(files.ct_observation);
    if (with_sources_ && !files.image.empty()) need(files.image);
    if (with_sources_ && files.image.empty()) {
      if (!lists_images(entry))
        throw_error<ReferencesMissing>(
            "{}: expected speaker images (speech_image), or their early and tail parts, found none", entry.id);
      need(files.early);
      need(files.tail);
    }
    if (options_.on_the_fly) {
      if (files.dry.size() != entry.speakers.size())
        throw_error<InputError>(
            "{}: expected the dry recording of each speaker (original_source) for new rooms, found {}", entry.id,
            files.dry.size());
      need(files.dry);
    }
    for (const fs::path& path : needed)
      if (!fs::exists(path)) throw_error<InputError>("{}: no such file, which {} needs", path.string(), entry.id);
  }

  // observation: (all channels, L), images: (S, 1 or all channels, L), close_talk: (S, L).
  Mixture mixture_of(int64_t i, const Tensor& observation, const Tensor& images, const Tensor& close_talk) const {
    Mixture mixture{id(i), sample_rate(), observation.slice(0, channels_)};
    if (with_sources_) mixture.sources = slice_axis(images, 1, 0, 1).reshape({images.size(0), -1});
    if (options_.close_talk) mixture.close_talk = close_talk;
    return mixture;
  }

  const SmsWsjSet set_;
  const std::string name_;
  const MixtureSetOptions options_;
  const int channels_;
  bool with_sources_ = true;
};

}  // namespace

std::shared_ptr<const MixtureItems> open_room_items(const fs::path& folder, Split split,
                                                    const MixtureSetOptions& options) {
  if (!fs::exists(folder / "sms_wsj.json")) return nullptr;
  return std::make_shared<RoomItems>(folder, split, options);
}

}  // namespace sunder
