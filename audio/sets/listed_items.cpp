#include "audio/sets/listed_items.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "audio/mixing.h"
#include "audio/recording.h"
#include "audio/recording_cache.h"
#include "audio/sets/mixture_list.h"
#include "files/missing_files.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace sunder {
namespace {

// Samples of the noise tape at which a source's noise may begin; changing it changes every set.
constexpr int64_t noise_starts = 1 << 18;
// The seeds of an epoch's numbers lie this far apart: 2^64 divided by the golden ratio (Knuth, vol. 3, 6.4), so that
// neighbouring seeds of sets and epochs do not meet.
constexpr uint64_t epoch_step = 0x9E3779B97F4A7C15;

class ListedItems : public MixtureItems {
 public:
  ListedItems(const std::filesystem::path& folder, Split split, const MixtureSetOptions& options)
      : config_(read_set_config(folder / "set.toml")),
        corpus_(options.corpus.empty() ? folder / config_.corpus : options.corpus),
        split_(split),
        on_the_fly_(options.on_the_fly),
        mixtures_(read_mixture_list(folder / (std::string(split_name(split)) + ".csv"), config_)),
        cache_(options.cache_bytes) {
    if (!std::filesystem::is_directory(corpus_))
      throw_error<InputError>("{}: the corpus of the mixture set {} is not there (no such folder)", corpus_.string(),
                              folder.string());
    if (options.on_the_fly && config_.rule == "voices" && mixtures_[0].sources[0].speaker.empty())
      throw_error<InputError>(
          "{}: expected the column source_1_speaker for mixtures on the fly, which is missing: prepare the set again",
          (folder / (std::string(split_name(split)) + ".csv")).string());
    if (config_.noise.kind == "recordings") {
      noise_folder_ = options.noise.empty() ? folder / config_.noise.folder : options.noise;
      if (!std::filesystem::is_directory(noise_folder_))
        throw_error<InputError>("{}: the noise of the mixture set {} is not there (no such folder)",
                                noise_folder_.string(), folder.string());
    }
    require_files((folder / (std::string(split_name(split)) + ".csv")).string());
    if (config_.noise_floor_db || config_.noise.kind == "white")
      noise_ = noise_tape(noise_starts + config_.window, config_.seed);
  }

  int64_t size() const override { return static_cast<int64_t>(mixtures_.size()); }
  int num_sources() const override { return config_.num_sources; }
  int sample_rate() const override { return config_.sample_rate; }
  std::vector<std::filesystem::path> reads_from() const override {
    std::set<std::filesystem::path> folders = {corpus_};
    for (const ListedMixture& mixture : mixtures_)
      for (const ListedSource& source : mixture.sources) folders.insert((corpus_ / source.path).parent_path());
    if (!noise_folder_.empty()) folders.insert(noise_folder_);
    return {folders.begin(), folders.end()};
  }
  bool has_noise() const override { return config_.noise.kind != "none"; }
  int64_t length(int64_t) const override { return config_.window; }
  std::string id(int64_t i) const override { return mixtures_[i].id; }
  std::string contents(int64_t i) const override {
    std::string text =
        fmt::format("{} {} {} {}", id(i), config_.window, config_.seed, config_.noise_floor_db.value_or(0));
    if (config_.levels_db > 0) text += fmt::format(" {}", config_.levels_db);
    for (const auto& [path, placement, speaker] : mixtures_[i].sources) {
      text += "\n" + path;
      if (placement) text += fmt::format(" {} {} {}", placement->begin, placement->length, placement->start);
    }
    if (has_noise())
      text += fmt::format("\n{} {} {} {} {}", config_.noise.kind, config_.noise.snr_low_db, config_.noise.snr_high_db,
                          mixtures_[i].noise_path, mixtures_[i].noise_begin);
    return text;
  }

  Mixture load(int64_t i) const override { return mixture_of(i, mixtures_[i].sources, 0); }

  // Epoch 0 is the list. In every later one the sources of the list meet others, at other places and levels: source s
  // of mixture i is that of another mixture, each of them in one mixture of the epoch.
  Mixture draw(int64_t i, int64_t epoch) const override {
    if (!on_the_fly_ || epoch == 0) return load(i);
    std::vector<ListedSource> sources = {mixtures_[i].sources[0]};
    for (int s = 1; s < num_sources(); ++s) sources.push_back(partner(i, s, epoch, sources));
    for (int s = 0; s < num_sources(); ++s)
      if (auto& placement = sources[s].placement; placement && placement->length < config_.window)
        placement->start = static_cast<int64_t>(
            random_of(RandomUse::mixing, s, epoch, i).below(config_.window - placement->length + 1));
    return mixture_of(i, sources, epoch);
  }

 private:
  void require_files(const std::string& list) const {
    MissingFiles missing;
    for (const ListedMixture& mixture : mixtures_) {
      for (const ListedSource& source : mixture.sources) missing.look_for(corpus_ / source.path, list);
      if (!mixture.noise_path.empty()) missing.look_for(noise_folder_ / mixture.noise_path, list);
    }
    missing.require_none();
  }

  // Numbers for source s of mixture i. Of epoch 0 they are what they were before there were others.
  Random random_of(RandomUse use, int s, int64_t epoch, int64_t i) const {
    const auto stream = static_cast<uint32_t>(split_) << 8 | static_cast<uint32_t>(s);
    return {config_.seed + static_cast<uint64_t>(epoch) * epoch_step, use, stream, static_cast<uint64_t>(i)};
  }

  // Goes on from a random shift of the list until the speaker is not in the mixture yet.
  const ListedSource& partner(int64_t i, int s, int64_t epoch, const std::vector<ListedSource>& taken) const {
    const auto shift = static_cast<int64_t>(random_of(RandomUse::shuffle, s, epoch, 0).below(size()));
    for (int64_t step = 0; step < size(); ++step) {
      const ListedSource& source = mixtures_[(i + shift + step) % size()].sources[s];
      const bool is_new = std::ranges::none_of(
          taken, [&](const ListedSource& other) { return !source.speaker.empty() && other.speaker == source.speaker; });
      if (is_new) return source;
    }
    return mixtures_[i].sources[s];
  }

  Mixture mixture_of(int64_t i, const std::vector<ListedSource>& sources, int64_t epoch) const {
    const Tensor signals = Tensor::empty({num_sources(), config_.window}, DType::float32);
    for (int s = 0; s < num_sources(); ++s)
      load_source(i, sources[s], s, epoch,
                  {signals.mutable_data<float>() + s * config_.window, static_cast<size_t>(config_.window)});
    const Tensor mixture = mix(signals);
    if (has_noise()) add_noise_to({mixture.mutable_data<float>(), static_cast<size_t>(config_.window)}, i, epoch);
    Mixture result{mixtures_[i].id, config_.sample_rate, mixture.reshape({1, config_.window}), signals};
    result.has_noise = has_noise();
    return result;
  }

  // Beside the sources' streams of random numbers.
  static constexpr int of_noise = 255;

  // Later epochs take the noise of another mixture of the list, from another sample on.
  void add_noise_to(std::span<float> mixture, int64_t i, int64_t epoch) const {
    const double snr =
        random_of(RandomUse::noise, of_noise, epoch, i).uniform(config_.noise.snr_low_db, config_.noise.snr_high_db);
    if (config_.noise.kind == "white") {
      const uint64_t from = random_of(RandomUse::placement, of_noise, epoch, i).below(noise_starts);
      return add_at_snr(mixture, std::span(noise_).subspan(from, config_.window), snr);
    }
    const uint64_t shift = epoch == 0 ? 0 : random_of(RandomUse::shuffle, of_noise, epoch, 0).below(size());
    const ListedMixture& listed = mixtures_[(i + static_cast<int64_t>(shift)) % size()];
    const std::filesystem::path path = noise_folder_ / listed.noise_path;
    const Signal recording =
        cache_.get(path.string(), [&] { return read_recording(path, config_.sample_rate, config_.channels); });
    const auto samples = static_cast<int64_t>(recording->size());
    if (samples == 0) throw_error<InputError>("{}: expected noise, found no samples", path.string());
    const int64_t begin = epoch == 0
                              ? listed.noise_begin
                              : static_cast<int64_t>(random_of(RandomUse::mixing, of_noise, epoch, i).below(samples));
    std::vector<float> noise(config_.window);
    for (int64_t t = 0; t < config_.window; ++t) noise[t] = (*recording)[(begin + t) % samples];
    try {
      add_at_snr(mixture, noise, snr);
    } catch (const InputError& error) {
      throw_error<InputError>("{}: {} (mixture {})", path.string(), error.what(), mixtures_[i].id);
    }
  }

  void load_source(int64_t i, const ListedSource& source, int s, int64_t epoch, std::span<float> window) const {
    const std::filesystem::path path = corpus_ / source.path;
    const Signal recording =
        cache_.get(source.path, [&] { return read_recording(path, config_.sample_rate, config_.channels); });
    const auto samples = static_cast<int64_t>(recording->size());
    const Placement placement = source.placement.value_or(centred(samples, config_.window));
    place(*recording, placement, window);
    try {
      if (config_.noise_floor_db) {
        const auto speech = window.subspan(placement.start, placement.length);
        const double level = active_level_db(speech, config_.sample_rate) + *config_.noise_floor_db;
        const uint64_t from = random_of(RandomUse::placement, s, epoch, i).below(noise_starts);
        add_noise(window, level, std::span(noise_).subspan(from, config_.window));
      }
      standardise(window);
      if (config_.levels_db > 0) {
        const double db = config_.levels_db * (random_of(RandomUse::noise, s, epoch, i).uniform() - 0.5);
        const auto gain = static_cast<float>(std::pow(10, db / 20));
        for (float& sample : window) sample *= gain;
      }
    } catch (const InputError& error) {
      throw_error<InputError>("{}: {} (mixture {})", path.string(), error.what(), mixtures_[i].id);
    }
  }

  const SetConfig config_;
  const std::filesystem::path corpus_;
  const Split split_;
  const bool on_the_fly_;
  const std::vector<ListedMixture> mixtures_;
  std::vector<float> noise_;  // a tape of white noise; empty where the set has none
  std::filesystem::path noise_folder_;
  mutable RecordingCache cache_;
};

}  // namespace

std::shared_ptr<const MixtureItems> open_listed_items(const std::filesystem::path& folder, Split split,
                                                      const MixtureSetOptions& options) {
  if (!std::filesystem::exists(folder / "set.toml")) return nullptr;
  return std::make_shared<ListedItems>(folder, split, options);
}

}  // namespace sunder
