#include "audio/sets/virtual_items.h"

#include <span>

#include "audio/auxiva_separation.h"
#include "audio/recording_cache.h"
#include "audio/silence.h"
#include "tensor/error.h"

namespace sunder {
namespace {

class VirtualItems : public MixtureItems {
 public:
  VirtualItems(std::shared_ptr<const MixtureItems> items, Split split, const MixtureSetOptions& options)
      : items_(std::move(items)),
        split_(split),
        separation_{.sources = options.virtual_sources},
        on_the_fly_(options.on_the_fly),
        cache_bytes_(options.cache_bytes),
        cache_(options.cache_bytes) {}

  int64_t size() const override { return items_->size(); }
  int num_sources() const override { return items_->num_sources(); }
  int sample_rate() const override { return items_->sample_rate(); }
  int channels() const override { return items_->channels(); }
  bool has_sources() const override { return items_->has_sources(); }
  bool has_noise() const override { return items_->has_noise(); }
  std::string mixture_kind() const override { return items_->mixture_kind(); }
  std::vector<std::filesystem::path> reads_from() const override { return items_->reads_from(); }
  int64_t length(int64_t i) const override { return items_->length(i); }
  std::string id(int64_t i) const override { return items_->id(i); }
  std::string contents(int64_t i) const override { return items_->contents(i); }

  std::vector<std::string> notes() const override {
    std::vector<std::string> notes = items_->notes();
    int64_t bytes = 0;
    for (int64_t i = 0; i < size(); ++i) bytes += virtual_bytes(i);
    const auto mib = [](int64_t count) { return static_cast<double>(count) / (1 << 20); };
    notes.push_back(fmt::format(
        "{}: {} virtual microphones by AuxIVA, computed when a recording is first used and kept in memory, {:.0f} "
        "MiB{}",
        split_name(split_), separation_.sources, mib(std::min(bytes, cache_bytes_)),
        bytes > cache_bytes_
            ? fmt::format(" of the {:.0f} for all recordings; the rest is computed at every use", mib(bytes))
            : ""));
    return notes;
  }

  Mixture load(int64_t i) const override {
    Mixture mixture = items_->load(i);
    const Signal rows = cache_.get(std::to_string(i), [&] { return separate(mixture).to_vector<float>(); });
    mixture.virtual_microphones = Tensor::from(*rows, {separation_.sources, mixture.length()});
    return mixture;
  }

  Mixture draw(int64_t i, int64_t epoch) const override {
    if (!on_the_fly_ || epoch == 0) return load(i);
    Mixture mixture = items_->draw(i, epoch);
    mixture.virtual_microphones = separate(mixture);
    return mixture;
  }

 private:
  int64_t virtual_bytes(int64_t i) const {
    return separation_.sources * length(i) * static_cast<int64_t>(sizeof(float));
  }

  Tensor separate(const Mixture& mixture) const {
    const auto samples = std::span(mixture.mixture.data<float>(), static_cast<size_t>(mixture.mixture.numel()));
    if (is_silent(samples)) return Tensor::zeros({separation_.sources, mixture.length()}, DType::float32);
    try {
      return auxiva_sources(mixture.mixture, mixture.sample_rate, separation_);
    } catch (const OutOfMemory&) {
      throw;
    } catch (const Error& error) {
      throw_error<InputError>("{}: {}", mixture.id, error.what());
    }
  }

  const std::shared_ptr<const MixtureItems> items_;
  const Split split_;
  const AuxIvaSeparation separation_;
  const bool on_the_fly_;
  const int64_t cache_bytes_;
  mutable RecordingCache cache_;
};

}  // namespace

std::shared_ptr<const MixtureItems> with_virtual_microphones(std::shared_ptr<const MixtureItems> items, Split split,
                                                             const MixtureSetOptions& options) {
  if (options.virtual_sources < 1 || items->channels() < 2 || items->channels() < options.virtual_sources)
    throw_error<InputError>("expected at least {} microphones for {} virtual ones, got {}",
                            std::max(options.virtual_sources, 2), options.virtual_sources, items->channels());
  return std::make_shared<VirtualItems>(std::move(items), split, options);
}

}  // namespace sunder
