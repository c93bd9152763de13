#include "train/validation.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "audio/metrics/bin_order.h"
#include "audio/metrics/si_snr.h"
#include "audio/silence.h"
#include "autograd/variable.h"
#include "command/signals.h"
#include "evaluate/blind.h"
#include "evaluate/scored_signals.h"
#include "objectives/mixcycle.h"
#include "tensor/error.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {
namespace {

constexpr int example_seconds = 10;
constexpr double most_like_db = 60;

// A mean over the finite values.
struct Mean {
  double sum = 0;
  int64_t count = 0;
  void add(double value, int64_t items = 1) {
    if (!std::isfinite(value)) return;
    sum += value * static_cast<double>(items);
    count += items;
  }
  double value() const { return count > 0 ? sum / static_cast<double>(count) : NAN; }
};

Tensor item(const Tensor& batch, int64_t b) {
  return batch.slice(b, b + 1).reshape(Shape(batch.shape().begin() + 1, batch.shape().end()));
}

// The first microphone (B, L) of mixtures (B, L) or (B, M, L).
Tensor first_microphone(const Tensor& mixtures) {
  return mixtures.dim() == 2 ? mixtures : slice_axis(mixtures, 1, 0, 1).reshape({mixtures.size(0), -1});
}

bool is_zero(const Tensor& signal) { return is_silent(signal.cast(DType::float64).to_vector<double>()); }

bool is_constant(const Tensor& signal) {
  const auto values = signal.cast(DType::float64).to_vector<double>();
  return std::ranges::all_of(values, [&](double value) { return value == values[0]; });
}

bool are_equal(const Tensor& a, const Tensor& b) {
  const auto score = si_snr(a.cast(DType::float64).to_vector<double>(), b.cast(DType::float64).to_vector<double>());
  return score && std::isinf(*score) && *score > 0;
}

// Why an item without a finite score has none. references: (S, L), estimates: (K, L), mixture: (L).
std::string why_unscored(const std::optional<double>& score, const Tensor& references, const Tensor& estimates,
                         const Tensor& mixture) {
  if (score) return std::isnan(*score) ? "estimates that are not finite" : "an infinite score";
  const int64_t sources = references.size(0);
  for (int64_t s = 0; s < sources; ++s)
    if (is_zero(item(references, s))) return "a silent source";
  if (is_zero(mixture)) return "a silent mixture";
  bool constant = true, equal = true;
  for (int64_t s = 0; s < sources; ++s) {
    constant = constant && is_constant(item(references, s));
    equal = equal && are_equal(item(references, 0), item(references, s));
  }
  if (constant) return "constant sources (a DC offset alone)";
  if (equal) return "equal sources";
  for (int64_t k = 0; k < estimates.size(0); ++k)
    if (is_zero(item(estimates, k))) return "a silent estimate";
  return "a mixture whose own score is infinite";
}

using Reasons = std::map<std::string, int64_t>;  // how many items have no score, by reason

// "no validation mixture has a score: 3 have a silent source, 1 has equal sources"
std::string why_none(const std::string& score, const Reasons& reasons) {
  std::vector<std::string> parts;
  for (const auto& [reason, count] : reasons)
    parts.push_back(fmt::format("{} {} {}", count, count == 1 ? "has" : "have", reason));
  return fmt::format("no validation mixture has {}: {}", score, fmt::join(parts, ", "));
}

struct Means {
  Mean si_snri, oracle, ratio, sources_ratio, like_mixture, in_order, by_bin, blind, loss;
  Reasons without_score, without_blind;
};

// MixCycle's task as a score: how well the network recovers its own estimates from their re-mixtures.
void add_blind(const Separator& network, const Tensor& estimates, uint64_t seed, int64_t epoch, int64_t batch,
               Means& means) {
  const int64_t even = estimates.size(0) / 2 * 2;
  if (even < estimates.size(0)) ++means.without_blind["no partner of its length to exchange estimates with"];
  if (even == 0) return;
  const Tensor order = exchange_order(swap_flags(seed, epoch, batch, even)).to(estimates.stream());
  const Remixed again = remix_estimates(estimates.slice(0, even), order);
  const Tensor found = network.forward(again.mixtures).value().to(cpu_device);
  const Tensor targets = again.targets.to(cpu_device), mixtures = again.mixtures.to(cpu_device);
  for (int64_t b = 0; b < even; ++b) {
    const Tensor target = item(targets, b), output = item(found, b), mixture = item(mixtures, b);
    const auto score = mean_si_snri(score_separation(target, output, mixture));
    if (score && std::isfinite(*score)) means.blind.add(*score);
    else if (is_zero(item(target, 0)) || is_zero(item(target, 1))) ++means.without_blind["a silent estimate"];
    else ++means.without_blind[why_unscored(score, target, output, mixture)];
  }
}

// How much the output that is least like the mixture is like it, dB. estimates: (K, L), mixture: (L).
double like_mixture_db(const Tensor& estimates, const Tensor& mixture) {
  const auto signal = mixture.cast(DType::float64).to_vector<double>();
  double least = most_like_db;
  for (int64_t k = 0; k < estimates.size(0); ++k)
    least = std::min(
        least, si_snr(signal, item(estimates, k).cast(DType::float64).to_vector<double>()).value_or(-most_like_db));
  return std::max(least, -most_like_db);
}

// references, estimates: (S, L), each estimate with its own source.
void add_bin_order(const Tensor& references, const Tensor& estimates, const std::vector<SourceScore>& scores,
                   int sample_rate, Means& means) {
  const std::vector<BinOrderScores> bins = bin_order(references, estimates, sample_rate);
  double right = 0, gain = 0;
  for (size_t s = 0; s < bins.size(); ++s) {
    if (!bins[s].right.value || !bins[s].si_sdr.value || !scores[s].si_snr || !scores[s].si_snri) return;
    right += *bins[s].right.value;
    gain += *scores[s].si_snri + *bins[s].si_sdr.value - *scores[s].si_snr;
  }
  means.in_order.add(right / static_cast<double>(bins.size()));
  means.by_bin.add(gain / static_cast<double>(bins.size()));
}

// references: (S, L), estimates: (K, L), mixture: (L).
void add_item(const Tensor& references, const Tensor& estimates, const Tensor& mixture, int sample_rate, Means& means) {
  const std::vector<SourceScore> scores = score_separation(references, estimates, mixture);
  const auto score = mean_si_snri(scores);
  if (!score || !std::isfinite(*score)) ++means.without_score[why_unscored(score, references, estimates, mixture)];
  if (!score) return;
  means.si_snri.add(*score);
  means.sources_ratio.add(weaker_to_stronger_db(references, references.size(0)));
  if (estimates.size(0) == references.size(0) && references.size(0) <= bin_order_most_sources) {
    std::vector<int64_t> outputs;
    for (const SourceScore& source : scores) outputs.push_back(source.output);
    add_bin_order(references, chosen_rows(estimates, outputs), scores, sample_rate, means);
  }
  if (estimates.size(0) == references.size(0) || estimates.size(0) > best_sums_max_outputs) return;
  if (const auto best = mean_si_snri(score_best_sums(references, estimates, mixture))) means.oracle.add(*best);
}

}  // namespace

Validator::Validator(MixtureSet set, const Config& config, DType dtype, Stream stream, bool with_references)
    : set_(std::move(set)),
      config_(config),
      dtype_(dtype),
      stream_(stream),
      with_references_(with_references),
      count_(set_.size()) {
  sources_ = set_.num_sources() > 0 ? set_.num_sources() : config.model.sources();
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

std::optional<ValidationScores> Validator::run(const Separator& network, int64_t epoch, bool with_blind,
                                               const ValidationLoss& loss, int64_t most_items) const {
  const NoGrad no_grad;
  if (config_.validation.select == "valid_loss")
    epoch = 0;  // the learning-rate schedule compares losses on the same segments
  const int64_t outputs = network.sources();
  const int64_t at_once = std::max<int64_t>(config_.train.batch, 2);  // the blind score needs pairs
  std::map<int64_t, std::vector<int64_t>> by_length;                  // items of one length form batches
  const int64_t count = most_items > 0 ? std::min(most_items, count_) : count_;
  for (int64_t i = 0; i < count; ++i) by_length[length(i)].push_back(i);

  Means means;
  int64_t batch_number = 0;
  for (const auto& [length, items] : by_length) {
    for (size_t first = 0; first < items.size(); first += at_once, ++batch_number) {
      if (stop_requested()) return std::nullopt;
      std::vector<Segment> segments;
      for (size_t i = first; i < std::min(items.size(), first + static_cast<size_t>(at_once)); ++i) {
        Mixture loaded = set_.load(items[i]);
        const Tensor judged = judged_signals(loaded, with_references_);
        segments.push_back(cut_segment(std::move(loaded), judged, length, config_.data.crop, config_.train.seed, epoch,
                                       -1 - items[i]));
      }
      const Batch batch = make_batch(segments, length, set_.has_sources(), dtype_);
      const Tensor estimates = network.forward(batch.mixtures.to(stream_)).value();
      const Tensor on_host = estimates.to(cpu_device), mixtures = first_microphone(batch.mixtures);
      for (int64_t b = 0; b < estimates.size(0); ++b) {
        means.ratio.add(weaker_to_stronger_db(item(on_host, b), sources_));
        means.like_mixture.add(like_mixture_db(item(on_host, b), item(mixtures, b)));
        if (set_.has_sources())
          add_item(item(batch.references, b), item(on_host, b), item(mixtures, b), set_.sample_rate(), means);
      }
      if (with_blind && outputs == 2) add_blind(network, estimates, config_.train.seed, epoch, batch_number, means);
      if (loss) means.loss.add(loss(batch), estimates.size(0));
    }
  }
  ValidationScores scores;
  if (set_.has_sources()) scores.si_snri = means.si_snri.value();
  scores.weaker_to_stronger_db = means.ratio.value();
  scores.like_mixture_db = means.like_mixture.value();
  const auto optional = [](const auto& mean) { return mean.count > 0 ? std::optional(mean.value()) : std::nullopt; };
  scores.sources_weaker_db = optional(means.sources_ratio);
  scores.bins_in_order = optional(means.in_order);
  scores.si_snri_by_bin = optional(means.by_bin);
  scores.oracle = optional(means.oracle);
  scores.blind = optional(means.blind);
  scores.loss = optional(means.loss);
  scores.items = means.si_snri.count;
  if (set_.has_sources() && scores.items == 0) scores.unscored = why_none("a score", means.without_score);
  else if (with_blind && !scores.blind) scores.unscored = why_none("a blind score", means.without_blind);
  return scores;
}

ValidationExample Validator::example(const Separator& network) const {
  const NoGrad no_grad;
  const Mixture loaded = set_.load(0);
  ValidationExample example{loaded.id, loaded.sample_rate, loaded.mixture.slice(0, 1).to_vector<float>(), {}};
  const auto samples = std::max<size_t>(example_seconds * loaded.sample_rate, network.shortest_input());
  example.mixture.resize(std::clamp<size_t>(example.mixture.size(), network.shortest_input(), samples));
  const Tensor mixtures =
      make_batch({{loaded, 0}}, static_cast<int64_t>(example.mixture.size()), /*with_references=*/false, dtype_)
          .mixtures;
  const Tensor estimates = network.forward(mixtures.to(stream_)).value().to(cpu_device).cast(DType::float32);
  for (int64_t k = 0; k < network.sources(); ++k)
    example.estimates.push_back(item(item(estimates, 0), k).to_vector<float>());
  return example;
}

}  // namespace sunder
