#include "bench/metrics.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "audio/file.h"
#include "audio/metrics/bss_eval.h"
#include "audio/metrics/si_snr.h"
#include "audio/metrics/stoi.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

using Signal = std::vector<double>;

struct Item {
  Signal references[2], estimates[2];
  Tensor reference_rows, estimate_rows;  // (2, L) each
};

constexpr size_t fewest_items = 12;  // the first ones are repeated, to give threads equal shares

double noise(int64_t n) {
  double whole = 0;
  return std::modf(std::sin(12.9898 * static_cast<double>(n)) * 43758.5453, &whole);
}

// Each estimate is its source with some of the other one and a little noise: 10 to 14 dB SDR.
Item make_item(const Signal& first, const Signal& second) {
  const auto length = static_cast<int64_t>(std::min(first.size(), second.size()));
  Item item;
  item.references[0].assign(first.begin(), first.begin() + length);
  item.references[1].assign(second.begin(), second.begin() + length);
  for (int k = 0; k < 2; ++k) {
    double energy = 0;
    for (const double x : item.references[k]) energy += x * x;
    const double level = 0.2 * std::sqrt(energy / static_cast<double>(length));
    for (int64_t t = 0; t < length; ++t)
      item.estimates[k].push_back(item.references[k][t] + (k == 0 ? 0.3 : 0.2) * item.references[1 - k][t] +
                                  level * noise(t + k * length));
  }
  const auto rows = [&](const Signal(&pair)[2]) {
    Signal both = pair[0];
    both.insert(both.end(), pair[1].begin(), pair[1].end());
    return Tensor::from(both, {2, length});
  };
  item.reference_rows = rows(item.references);
  item.estimate_rows = rows(item.estimates);
  return item;
}

std::vector<Item> items_of(const MetricsBenchmark& b) {
  std::vector<Signal> signals;
  for (const std::string& path : b.speech) {
    if (audio_info(path).sample_rate != b.sample_rate || audio_info(path).frames < b.sample_rate) continue;
    const Audio audio = read_mono(path);
    signals.emplace_back(audio.samples.begin(), audio.samples.end());
  }
  if (!b.speech.empty() && signals.size() < 2)
    throw_error<UsageError>("--speech: expected at least two files of a second or more at {} Hz, got {}", b.sample_rate,
                            signals.size());
  for (int64_t i = 0; b.speech.empty() && i < 30; ++i) {
    Signal& signal = signals.emplace_back(4 * b.sample_rate);
    for (int64_t t = 0; t < static_cast<int64_t>(signal.size()); ++t)
      signal[t] = noise(t + i * 1000003) * (1.1 + std::sin(static_cast<double>(t * (i + 3)) / b.sample_rate));
  }
  std::vector<Item> items;
  for (size_t i = 0; i + 1 < signals.size(); i += 2) items.push_back(make_item(signals[i], signals[i + 1]));
  for (size_t i = 0; items.size() < fewest_items; ++i) items.push_back(Item(items[i]));
  return items;
}

double sum_of_stoi(const Item& item, int rate, bool classic, bool extended) {
  double sum = 0;
  for (int k = 0; k < 2; ++k) {
    const StoiScores scores = stoi_scores(item.references[k], item.estimates[k], rate, classic, extended);
    sum += scores.classic.value.value_or(0) + scores.extended.value.value_or(0);
  }
  return sum;
}

double sum_of_bss(const Item& item, bool interference) {
  const auto scores = bss_eval(item.reference_rows, item.estimate_rows, {.interference = interference});
  return scores[0].sdr.value.value_or(0) + scores[3].sdr.value.value_or(0);
}

double sum_of_si_sdr(const Item& item) {
  double scores[2][2];
  for (int i = 0; i < 2; ++i)
    for (int k = 0; k < 2; ++k) scores[i][k] = si_snr(item.references[i], item.estimates[k]).value_or(0);
  return std::max(scores[0][0] + scores[1][1], scores[0][1] + scores[1][0]);
}

struct TimedMetric {
  std::string name;
  std::function<double(const Item&, int rate)> score;  // the sum over both sources, which the twin prints too
};

const std::vector<TimedMetric>& table() {
  static const std::vector<TimedMetric> all = {
      {"si_sdr", [](const Item& item, int) { return sum_of_si_sdr(item); }},
      {"sdr", [](const Item& item, int) { return sum_of_bss(item, false); }},
      {"sdr_sir_sar", [](const Item& item, int) { return sum_of_bss(item, true); }},
      {"stoi", [](const Item& item, int rate) { return sum_of_stoi(item, rate, true, false); }},
      {"estoi", [](const Item& item, int rate) { return sum_of_stoi(item, rate, false, true); }},
      {"stoi_estoi", [](const Item& item, int rate) { return sum_of_stoi(item, rate, true, true); }},
  };
  return all;
}

}  // namespace

std::vector<std::string> timed_metrics() {
  std::vector<std::string> names;
  for (const TimedMetric& metric : table()) names.push_back(metric.name);
  return names;
}

std::string run(const MetricsBenchmark& b, const std::string& metric) {
  const std::vector<Item> items = items_of(b);
  const auto timed = std::ranges::find(table(), metric, &TimedMetric::name);
  if (timed == table().end())
    throw_error<UsageError>("metrics: expected some of {}, got '{}'", fmt::join(timed_metrics(), ", "), metric);
  const auto count = static_cast<int64_t>(items.size());
  set_num_threads(b.threads);
  double audio = 0;
  for (const Item& item : items) audio += static_cast<double>(item.references[0].size()) / b.sample_rate;
  std::vector<double> sums(count), times;
  for (int64_t repeat = 0; repeat <= b.repeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    parallel_for(count, 1, [&](int64_t i, int64_t) { sums[i] = timed->score(items[i], b.sample_rate); });
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (repeat > 0) times.push_back(taken.count() / audio * 60);
  }
  std::sort(times.begin(), times.end());
  double sum = 0;
  for (const double value : sums) sum += value;
  return nlohmann::ordered_json{{"package", "sunder"},
                                {"metric", metric},
                                {"sample_rate", b.sample_rate},
                                {"threads", b.threads},
                                {"seconds_per_minute", times[times.size() / 2]},
                                {"fastest", times.front()},
                                {"slowest", times.back()},
                                {"repeats", b.repeats},
                                {"signals", b.speech.empty() ? "noise" : "speech"},
                                {"items", count},
                                {"audio_seconds", audio},
                                {"mean_score", sum / static_cast<double>(count)}}
      .dump();
}

}  // namespace sunder
