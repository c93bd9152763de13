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

// "no validation mixture has a score: 3 have a silent source, 1 has equal sources"
std::string why_none(const std::string& score, const Reasons& reasons) {
  std::vector<std::string> parts;
  for (const auto& [reason, count] : reasons)
    parts.push_back(fmt::format("{} {} {}", count, count == 1 ? "has" : "have", reason));
  return fmt::format("no validation mixture has {}: {}", score, fmt::join(parts, ", "));
}

// MixCycle's task as a score: how well the network recovers its own estimates from their re-mixtures. flags: which of
// the estimates are swapped.
void add_blind(const Separator& network, const Tensor& estimates, const Tensor& flags, ValidationValues& means) {
  const int64_t even = flags.size(0);
  if (even < estimates.size(0)) ++means.without_blind["no partner of its length to exchange estimates with"];
  if (even == 0) return;
  const Tensor order = exchange_order(flags).to(estimates.stream());
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
                   int sample_rate, ValidationValues& means) {
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
void add_item(const Tensor& references, const Tensor& estimates, const Tensor& mixture, int sample_rate,
              ValidationValues& means) {
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

Validator::Validator(MixtureSet set, const Config& config, DType dtype, Stream stream, bool with_references,
                     Communicator* ranks)
    : set_(std::move(set)),
      config_(config),
      dtype_(dtype),
      stream_(stream),
      with_references_(with_references),
      ranks_(ranks ? *ranks : alone_),
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
  const int64_t at_once = std::max<int64_t>(config_.train.batch, 2);  // the blind score needs pairs
  std::map<int64_t, std::vector<int64_t>> by_length;                  // items of one length form batches
  const int64_t count = most_items > 0 ? std::min(most_items, count_) : count_;
  for (int64_t i = 0; i < count; ++i) by_length[length(i)].push_back(i);

  std::vector<ValidationValues> batches;
  for (const auto& [length, items] : by_length)
    for (size_t first = 0; first < items.size(); first += static_cast<size_t>(at_once)) {
      if (stop_requested()) return scores_of(gather_values(ranks_, {}, /*complete=*/false), with_blind);
      const std::span whole = std::span(items).subspan(first);
      const auto number = static_cast<int64_t>(batches.size());
      batches.push_back(measure(network, whole.first(std::min(whole.size(), static_cast<size_t>(at_once))), length,
                                epoch, with_blind ? number : -1, loss));
    }
  return scores_of(gather_values(ranks_, batches, /*complete=*/true), with_blind);
}

// Ranks share each batch by pairs of items, which exchange estimates.
ValidationValues Validator::measure(const Separator& network, std::span<const int64_t> batch, int64_t length,
                                    int64_t epoch, int64_t blind_number, const ValidationLoss& loss) const {
  const auto whole = static_cast<int64_t>(batch.size()), pairs = (whole + 1) / 2, ranks = int64_t{ranks_.size()};
  const int64_t first = 2 * (pairs * ranks_.rank() / ranks),
                end = std::min(whole, 2 * (pairs * (ranks_.rank() + 1) / ranks));
  ValidationValues values;
  if (first >= end) return values;
  std::vector<Segment> segments;
  for (const int64_t i : batch.subspan(first, end - first)) {
    Mixture loaded = set_.load(i);
    const Tensor judged = judged_signals(loaded, with_references_);
    segments.push_back(
        cut_segment(std::move(loaded), judged, length, config_.data.crop, config_.train.seed, epoch, -1 - i));
  }
  const Batch own = make_batch(segments, length, set_.has_sources(), dtype_);
  const Tensor estimates = network.forward(own.mixtures.to(stream_)).value();
  const Tensor on_host = estimates.to(cpu_device), mixtures = first_microphone(own.mixtures);
  for (int64_t b = 0; b < estimates.size(0); ++b) {
    values.ratio.add(weaker_to_stronger_db(item(on_host, b), sources_));
    values.like_mixture.add(like_mixture_db(item(on_host, b), item(mixtures, b)));
    if (set_.has_sources())
      add_item(item(own.references, b), item(on_host, b), item(mixtures, b), set_.sample_rate(), values);
  }
  if (blind_number >= 0 && network.sources() == 2) {
    const Tensor flags = swap_flags(config_.train.seed, epoch, blind_number, whole / 2 * 2);
    add_blind(network, estimates, flags.slice(first, std::min(end, whole / 2 * 2)), values);
  }
  if (loss) values.loss.add(loss(own), estimates.size(0));
  return values;
}

std::optional<ValidationScores> Validator::scores_of(const std::optional<ValidationValues>& values,
                                                     bool with_blind) const {
  if (!values) return std::nullopt;
  ValidationScores scores;
  if (set_.has_sources()) scores.si_snri = values->si_snri.mean();
  scores.weaker_to_stronger_db = values->ratio.mean();
  scores.like_mixture_db = values->like_mixture.mean();
  scores.sources_weaker_db = values->sources_ratio.mean_if_any();
  scores.bins_in_order = values->in_order.mean_if_any();
  scores.si_snri_by_bin = values->by_bin.mean_if_any();
  scores.oracle = values->oracle.mean_if_any();
  scores.blind = values->blind.mean_if_any();
  scores.loss = values->loss.mean_if_any();
  scores.items = static_cast<int64_t>(values->si_snri.values.size());
  if (set_.has_sources() && scores.items == 0) scores.unscored = why_none("a score", values->without_score);
  else if (with_blind && !scores.blind) scores.unscored = why_none("a blind score", values->without_blind);
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
