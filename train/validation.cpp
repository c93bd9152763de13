#include "train/validation.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "audio/metrics/si_snr.h"
#include "autograd/variable.h"
#include "objectives/mixcycle.h"
#include "tensor/error.h"
#include "train/loader.h"
#include "train/signals.h"

namespace sunder {
namespace {

constexpr int64_t oracle_max_outputs = 8;  // the ways to sum more are too many (score_best_sums)
constexpr int example_seconds = 10;

// Means that leave out what is undefined.
struct Mean {
  double sum = 0;
  int64_t count = 0;
  void add(double value) {
    if (!std::isfinite(value)) return;
    sum += value;
    ++count;
  }
  double value() const { return count > 0 ? sum / static_cast<double>(count) : NAN; }
};

// Energy of the output that is `sources`-th in loudness over that of the loudest, dB; estimates: (K, L).
double weaker_to_stronger(const Tensor& estimates, int64_t sources) {
  const int64_t length = estimates.size(1);
  const auto values = estimates.cast(DType::float64).to_vector<double>();
  std::vector<double> energies;
  for (int64_t k = 0; k < estimates.size(0); ++k) {
    double energy = 0;
    for (int64_t i = 0; i < length; ++i) energy += values[k * length + i] * values[k * length + i];
    if (!std::isfinite(energy)) return NAN;
    energies.push_back(energy);
  }
  std::sort(energies.rbegin(), energies.rend());
  return 10 * std::log10((energies[sources - 1] + 1e-12) / (energies[0] + 1e-12));
}

Tensor item(const Tensor& batch, int64_t b) {
  return batch.slice(b, b + 1).reshape(Shape(batch.shape().begin() + 1, batch.shape().end()));
}

// MixCycle's task as a score: how well the network finds its own estimates again after they were mixed anew.
void add_blind(const Separator& network, const Tensor& estimates, uint64_t seed, int64_t epoch, int64_t batch,
               Mean& blind) {
  const int64_t even = estimates.size(0) / 2 * 2;
  if (even == 0) return;
  const Tensor order = exchange_order(swap_flags(seed, epoch, batch, even)).to(estimates.stream());
  const Remixed again = remix_estimates(estimates.slice(0, even), order);
  const Tensor found = network.forward(again.mixtures).value().to(cpu_device);
  const Tensor targets = again.targets.to(cpu_device), mixtures = again.mixtures.to(cpu_device);
  for (int64_t b = 0; b < even; ++b)
    if (const auto score = mean_si_snri(score_separation(item(targets, b), item(found, b), item(mixtures, b))))
      blind.add(*score);
}

struct Means {
  Mean si_snri, oracle, ratio, blind;
};

// references: (S, L), estimates: (K, L), mixture: (L).
void add_item(const Tensor& references, const Tensor& estimates, const Tensor& mixture, Means& means) {
  means.ratio.add(weaker_to_stronger(estimates, references.size(0)));
  const auto score = mean_si_snri(score_separation(references, estimates, mixture));
  if (!score) return;
  means.si_snri.add(*score);
  if (estimates.size(0) == references.size(0) || estimates.size(0) > oracle_max_outputs) return;
  if (const auto best = mean_si_snri(score_best_sums(references, estimates, mixture))) means.oracle.add(*best);
}

}  // namespace

Validator::Validator(MixtureSet set, const Config& config, DType dtype, Stream stream)
    : set_(std::move(set)), config_(config), dtype_(dtype), stream_(stream), count_(set_.size()) {
  if (config.validation.max_items > 0) count_ = std::min(count_, config.validation.max_items);
  segment_ = std::llround(config.data.segment_seconds * set_.sample_rate());
}

void Validator::require_length(int64_t samples) const {
  for (int64_t i = 0; i < count_; ++i)
    if (length(i) < samples)
      throw_error<InputError>(
          "{}: the validation mixture {} has {} samples, expected at least the {} that the network "
          "needs",
          config_.data.set, set_.id(i), length(i), samples);
}

std::optional<ValidationScores> Validator::run(const Separator& network, int64_t epoch, bool with_blind) const {
  const NoGrad no_grad;
  const int64_t sources = set_.num_sources(), outputs = network.sources();
  const int64_t at_once = std::max<int64_t>(config_.train.batch, 2);  // a pair is what the blind score needs
  std::map<int64_t, std::vector<int64_t>> by_length;  // items of one length go through the network together
  for (int64_t i = 0; i < count_; ++i) by_length[length(i)].push_back(i);

  Means means;
  int64_t batch_number = 0;
  for (const auto& [length, items] : by_length) {
    for (size_t first = 0; first < items.size(); first += at_once, ++batch_number) {
      if (stop_requested()) return std::nullopt;
      const auto count = static_cast<int64_t>(std::min<size_t>(at_once, items.size() - first));
      const Tensor mixtures = Tensor::empty({count, length}, DType::float32);
      const Tensor references = Tensor::empty({count, sources, length}, DType::float32);
      for (int64_t b = 0; b < count; ++b) {
        const int64_t index = items[first + b];
        const Mixture loaded = set_.load(index);
        const int64_t start = segment_start(static_cast<int64_t>(loaded.mixture.size()), length, loaded.sample_rate,
                                            config_.data.crop, config_.train.seed, epoch, -1 - index);
        copy_segment(loaded.mixture, start, length, mixtures.mutable_data<float>() + b * length);
        for (int64_t s = 0; s < sources; ++s)
          copy_segment(loaded.sources[s], start, length, references.mutable_data<float>() + (b * sources + s) * length);
      }
      const Tensor estimates = network.forward(mixtures.cast(dtype_).to(stream_)).value();
      const Tensor on_host = estimates.to(cpu_device);
      for (int64_t b = 0; b < count; ++b) add_item(item(references, b), item(on_host, b), item(mixtures, b), means);
      if (with_blind && outputs == 2)
        add_blind(network, estimates, config_.train.seed, epoch, batch_number, means.blind);
    }
  }
  ValidationScores scores;
  scores.si_snri = means.si_snri.value();
  scores.weaker_to_stronger_db = means.ratio.value();
  if (means.oracle.count > 0) scores.oracle = means.oracle.value();
  if (means.blind.count > 0) scores.blind = means.blind.value();
  scores.items = means.si_snri.count;
  return scores;
}

ValidationExample Validator::example(const Separator& network) const {
  const NoGrad no_grad;
  const Mixture loaded = set_.load(0);
  ValidationExample example{loaded.id, loaded.sample_rate, loaded.mixture, {}};
  const auto samples = std::max<size_t>(example_seconds * loaded.sample_rate, network.shortest_input());
  example.mixture.resize(std::clamp<size_t>(example.mixture.size(), network.shortest_input(), samples));
  const Tensor mixture = Tensor::from(example.mixture, {1, static_cast<int64_t>(example.mixture.size())});
  const Tensor estimates =
      network.forward(mixture.cast(dtype_).to(stream_)).value().to(cpu_device).cast(DType::float32);
  for (int64_t k = 0; k < network.sources(); ++k)
    example.estimates.push_back(item(item(estimates, 0), k).to_vector<float>());
  return example;
}

}  // namespace sunder
