#include "audio/sets/listed_items.h"

#include <set>

#include "audio/mixing.h"
#include "audio/recording.h"
#include "audio/recording_cache.h"
#include "audio/sets/mixture_list.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace sunder {
namespace {

// Samples of the noise tape at which a source's noise may begin; changing it changes every set.
constexpr int64_t noise_starts = 1 << 18;

class ListedItems : public MixtureItems {
 public:
  ListedItems(const std::filesystem::path& folder, Split split, const MixtureSetOptions& options)
      : config_(read_set_config(folder / "set.toml")),
        corpus_(options.corpus.empty() ? folder / config_.corpus : options.corpus),
        split_(split),
        mixtures_(read_mixture_list(folder / (std::string(split_name(split)) + ".csv"), config_)),
        cache_(options.cache_bytes) {
    if (!std::filesystem::is_directory(corpus_))
      throw_error<InputError>("{}: the corpus of the mixture set {} is not there (no such folder)", corpus_.string(),
                              folder.string());
    if (config_.noise_floor_db) noise_ = noise_tape(noise_starts + config_.window, config_.seed);
  }

  int64_t size() const override { return static_cast<int64_t>(mixtures_.size()); }
  int num_sources() const override { return config_.num_sources; }
  int sample_rate() const override { return config_.sample_rate; }
  std::vector<std::filesystem::path> reads_from() const override {
    std::set<std::filesystem::path> folders = {corpus_};
    for (const ListedMixture& mixture : mixtures_)
      for (const ListedSource& source : mixture.sources) folders.insert((corpus_ / source.path).parent_path());
    return {folders.begin(), folders.end()};
  }
  int64_t length(int64_t) const override { return config_.window; }
  std::string id(int64_t i) const override { return mixtures_[i].id; }
  std::string contents(int64_t i) const override {
    std::string text =
        fmt::format("{} {} {} {}", id(i), config_.window, config_.seed, config_.noise_floor_db.value_or(0));
    for (const auto& [path, placement] : mixtures_[i].sources) {
      text += "\n" + path;
      if (placement) text += fmt::format(" {} {} {}", placement->begin, placement->length, placement->start);
    }
    return text;
  }

  Mixture load(int64_t i) const override {
    const Tensor sources = Tensor::empty({num_sources(), config_.window}, DType::float32);
    for (int s = 0; s < num_sources(); ++s)
      load_source(i, s, {sources.mutable_data<float>() + s * config_.window, static_cast<size_t>(config_.window)});
    return {mixtures_[i].id, config_.sample_rate, mix(sources).reshape({1, config_.window}), sources};
  }

 private:
  void load_source(int64_t i, int s, std::span<float> window) const {
    const ListedSource& source = mixtures_[i].sources[s];
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
        const auto stream = static_cast<uint32_t>(split_) << 8 | static_cast<uint32_t>(s);
        const uint64_t from = Random(config_.seed, RandomUse::placement, stream, i).below(noise_starts);
        add_noise(window, level, std::span(noise_).subspan(from, config_.window));
      }
      standardise(window);
    } catch (const InputError& error) {
      throw_error<InputError>("{}: {} (mixture {})", path.string(), error.what(), mixtures_[i].id);
    }
  }

  const SetConfig config_;
  const std::filesystem::path corpus_;
  const Split split_;
  const std::vector<ListedMixture> mixtures_;
  std::vector<float> noise_;  // empty without a noise floor
  mutable RecordingCache cache_;
};

}  // namespace

std::shared_ptr<const MixtureItems> open_listed_items(const std::filesystem::path& folder, Split split,
                                                      const MixtureSetOptions& options) {
  if (!std::filesystem::exists(folder / "set.toml")) return nullptr;
  return std::make_shared<ListedItems>(folder, split, options);
}

}  // namespace sunder
