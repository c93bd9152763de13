#include "train/validation.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "audio/metrics/si_snr.h"
#include "autograd/variable.h"
#include "objectives/mixcycle.h"
#include "train/loader.h"

namespace sunder {
namespace {

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

// Energy of the weakest output over that of the strongest, dB; estimates: (S, L).
double weaker_to_stronger(const Tensor& estimates) {
  double weakest = INFINITY, strongest = 0;
  const int64_t length = estimates.size(1);
  const auto values = estimates.cast(DType::float64).to_vector<double>();
  for (int64_t s = 0; s < estimates.size(0); ++s) {
    double energy = 0;
    for (int64_t i = 0; i < length; ++i) energy += values[s * length + i] * values[s * length + i];
    weakest = std::min(weakest, energy);
    strongest = std::max(strongest, energy);
  }
  return 10 * std::log10((weakest + 1e-12) / (strongest + 1e-12));
}

// MixCycle's task as a score: how well the network finds its own estimates again after they were mixed anew.
void add_blind(const Separator& network, const Tensor& estimates, uint64_t seed, int64_t epoch, int64_t batch,
               Mean& blind) {
  const int64_t even = estimates.size(0) / 2 * 2;
  if (even == 0 || estimates.size(1) != 2) return;
  const Remixed again =
      remix_estimates(estimates.slice(0, even), swap_flags(seed, epoch, batch, even));
  const Tensor found = network.forward(again.mixtures).value();
  for (int64_t b = 0; b < even; ++b) {
    const auto item = [b](const Tensor& tensor) {
      Shape shape(tensor.shape().begin() + 1, tensor.shape().end());
      return tensor.slice(b, b + 1).reshape(shape);
    };
    if (const auto score = mean_si_snri(score_separation(item(again.targets), item(found), item(again.mixtures))))
      blind.add(*score);
  }
}

}  // namespace

Validator::Validator(MixtureSet set, const Config& config, DType dtype, Stream stream)
    : set_(std::move(set)), config_(config), dtype_(dtype), stream_(stream), count_(set_.size()) {
  if (config.validation.max_items > 0) count_ = std::min(count_, config.validation.max_items);
}

ValidationScores Validator::run(const Separator& network, int64_t epoch, bool with_blind) const {
  const NoGrad no_grad;
  const int64_t sources = set_.num_sources(), outputs = network.sources();
  const auto segment = static_cast<int64_t>(std::llround(config_.data.segment_seconds * set_.sample_rate()));
  std::map<int64_t, std::vector<int64_t>> by_length;  // items of one length go through the network together
  for (int64_t i = 0; i < count_; ++i) by_length[segment > 0 ? segment : set_.length(i)].push_back(i);

  Mean si_snri, oracle, ratio, blind;
  ValidationScores scores;
  int64_t batch_number = 0;
  for (const auto& [length, items] : by_length) {
    for (size_t first = 0; first < items.size(); first += config_.train.batch, ++batch_number) {
      const auto count = static_cast<int64_t>(std::min<size_t>(config_.train.batch, items.size() - first));
      const Tensor mixtures = Tensor::empty({count, length}, DType::float32);
      const Tensor references = Tensor::empty({count, sources, length}, DType::float32);
      for (int64_t b = 0; b < count; ++b) {
        const int64_t index = items[first + b];
        const Mixture item = set_.load(index);
        const int64_t start = segment_start(static_cast<int64_t>(item.mixture.size()), length, item.sample_rate,
                                            config_.data.crop, config_.train.seed, epoch, -1 - index);
        copy_segment(item.mixture, start, length, mixtures.mutable_data<float>() + b * length);
        for (int64_t s = 0; s < sources; ++s)
          copy_segment(item.sources[s], start, length, references.mutable_data<float>() + (b * sources + s) * length);
      }
      const Tensor estimates = network.forward(mixtures.cast(dtype_).to(stream_)).value();
      const Tensor on_host = estimates.to(cpu_device);
      for (int64_t b = 0; b < count; ++b) {
        const Tensor reference = references.slice(b, b + 1).reshape({sources, length});
        const Tensor estimate = on_host.slice(b, b + 1).reshape({outputs, length});
        const Tensor mixture = mixtures.slice(b, b + 1).reshape({length});
        const auto score = mean_si_snri(score_separation(reference, estimate, mixture));
        ratio.add(weaker_to_stronger(estimate));
        if (!score) continue;
        si_snri.add(*score);
        if (outputs > sources)
          if (const auto best = mean_si_snri(score_best_sums(reference, estimate, mixture))) oracle.add(*best);
      }
      if (with_blind) add_blind(network, estimates, config_.train.seed, epoch, batch_number, blind);
    }
  }
  scores.si_snri = si_snri.value();
  if (outputs > sources) scores.oracle = oracle.value();
  scores.weaker_to_stronger_db = ratio.value();
  scores.blind = blind.value();
  scores.items = si_snri.count;
  return scores;
}

}  // namespace sunder
