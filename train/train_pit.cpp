// PIT: supervised permutation-invariant training, with or without dynamic mixing. Spectral networks use a loss on real
// part, imaginary part and magnitude at the first microphone.
#include "objectives/pit.h"
#include "objectives/step.h"
#include "tensor/ops/snr.h"
#include "train/method.h"

namespace sunder {
namespace {

std::unique_ptr<Method> make(const Config& config, const Separator& network) {
  const auto inputs = [](std::span<const Batch> b, const Position&) {
    return std::vector{b[0].references, b[0].mixtures};
  };
  if (const SpectralSeparator* spectral = network.spectral()) {
    const auto loss = [spectral, name = config.pit.loss](const auto& in) {
      return pit_spectra_step(*spectral, in[0], in[1], name);
    };
    return std::make_unique<OneTask>("pit", loss, inputs);
  }
  const std::string name = config.pit.waveform_loss;
  if (!config.train.dynamic_mixing) {
    const auto loss = [&network, name](const auto& in) { return pit_step(network, in[0], in[1], name); };
    return std::make_unique<OneTask>("pit", loss, inputs);
  }
  const auto mixed = [seed = config.train.seed, &network](std::span<const Batch> b, const Position& at) {
    const BatchShare share = b[0].share();
    std::vector<Tensor> whole = {b[0].references,
                                 shuffled_order(seed, at.epoch, at.steps, share.of, network.sources())};
    if (b[0].has_noise) whole.push_back(b[0].mixtures);
    return share.count == share.of ? whole : rows_of_shuffle(whole, share.first, share.count);
  };
  const auto loss = [&network, name](const auto& in) {
    return pit_dm_step(network, in[0], in[1], name, in.size() > 2 ? in[2] : Tensor());
  };
  return std::make_unique<OneTask>("pit-dm", loss, mixed, rows_of_shuffle);
}

}  // namespace

extern const MethodDefinition pit_method{
    .name = "pit",
    .summary = "Trains a separator on mixtures with their clean sources (PIT).",
    .recipe = "recipes/sc09mix/pit.toml",
    .needs =
        [](const Config& config) {
          const bool spectra = config.model.separator().spectral();
          if (spectra && config.train.dynamic_mixing)
            throw_error<UsageError>(
                "train.dynamic_mixing: expected false for {}: speakers of different rooms cannot be mixed",
                config.model.architecture);
          return MethodNeeds{
              .references = true, .spectra = spectra, .mean_loss = spectra, .most_sources = pit_max_sources};
        },
    .make = make};

}  // namespace sunder
