#include "evaluate/evaluation.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "audio/auxiva_separation.h"
#include "audio/sets/batch.h"
#include "evaluate/blind.h"
#include "evaluate/item_failures.h"
#include "evaluate/item_memory.h"
#include "nn/separation.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

bool names_blind(const EvaluationOptions& options) {
  return std::ranges::find(options.metrics, "blind") != options.metrics.end();
}

// Whether a set is scored without its clean sources.
bool scores_blindly(const Separator& network, const MixtureSet& set, const EvaluationOptions& options) {
  const bool blind = names_blind(options);
  if (set.has_sources() && !blind) return false;
  if (!options.metrics.empty() && (!blind || options.metrics.size() > 1))
    throw_error<UsageError>("metrics: {}, got {}",
                            blind ? "blind stands alone" : "the set has no clean sources, so that blind alone is left",
                            fmt::join(options.metrics, ","));
  if (!options.oracles.empty() && options.oracles != std::vector<std::string>{"none"})
    throw_error<UsageError>("oracles: the blind score has none, got {}", fmt::join(options.oracles, ","));
  if (blind && !has_blind_score(network))
    throw_error<UsageError>(
        "metrics: the blind score needs a network of 1 microphone and 2 outputs, this has {} and {}",
        network.microphones(), network.sources());
  return true;
}

std::vector<ScoreColumn> columns_of(const EvaluationOptions& options, const ScoredForm& form) {
  if (names_blind(options)) throw UsageError("metrics: blind is the score of a network, not of files");
  using Names = std::vector<std::string>;
  const Names metrics = form.with_mixture ? Names{"si_snr", "si_snri"} : Names{"si_snr"};
  const Names oracles = form.with_mixture ? Names{"irm", "mixture"} : Names{"none"};
  const std::vector<ScoreColumn> columns = score_columns(options.metrics.empty() ? metrics : options.metrics,
                                                         options.oracles.empty() ? oracles : options.oracles, form);
  for (const ScoreColumn& column : columns)
    if (std::holds_alternative<PesqBand>(column.metric->score) && !options.scoring.pesq)
      throw_error<PesqMissing>("metrics: {} is computed by a program of yours, and none was named", column.name);
  return columns;
}

int64_t limited(int64_t count, const EvaluationOptions& options) {
  return options.max_items > 0 ? std::min(count, options.max_items) : count;
}

int64_t memory_of(const EvaluationOptions& options) {
  return options.memory_bytes > 0 ? options.memory_bytes : available_memory_bytes();
}

// What the items of a set are separated by.
struct ItemSeparator {
  int64_t outputs;
  // (B, outputs, L)
  std::function<Tensor(std::vector<Segment> items, int64_t length)> separate;
};

ItemSeparator separator_of(const Separator& network) {
  return {network.sources(), [&network](std::vector<Segment> items, int64_t length) {
            for (Segment& segment : items) segment.item.mixture = segment.item.mixture.slice(0, network.microphones());
            return separate_batch(network,
                                  make_batch(items, length, /*with_references=*/false, DType::float32).mixtures);
          }};
}

ItemSeparator auxiva_separator(int64_t sources) {
  return {sources, [sources](std::vector<Segment> items, int64_t length) {
            const auto count = static_cast<int64_t>(items.size());
            const Tensor result = Tensor::empty({count, sources, length}, DType::float32);
            parallel_for(count, 1, [&](int64_t begin, int64_t end) {
              for (int64_t b = begin; b < end; ++b)
                result.slice(b, b + 1).copy_from(
                    auxiva_sources(items[b].item.mixture, items[b].item.sample_rate, {.sources = sources})
                        .reshape({1, sources, length}));
            });
            return result;
          }};
}

// Items of one length, separated in one batch. `recordings`: keep all channels.
std::vector<ScoredSignals> separate_items(const ItemSeparator& separator, const MixtureSet& set,
                                          const std::vector<int64_t>& indices, bool recordings, int64_t memory_bytes) {
  const auto count = static_cast<int64_t>(indices.size());
  const int64_t length = set.length(indices[0]);
  // The mixtures and references as they are decoded, and the estimates.
  const auto signals_each = static_cast<double>(set.channels() + set.num_sources() + separator.outputs);
  check_memory(set.id(indices[0]), sizeof(float) * signals_each * static_cast<double>(count * length), memory_bytes);
  std::vector<Segment> items(count);
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) items[b].item = set.load(indices[b]);
  });
  for (const Segment& segment : items)
    if (segment.item.length() != length)
      throw_error<InputError>("{}: expected {} samples, got {}", segment.item.id, length, segment.item.length());
  const Tensor estimates = separator.separate(items, length);
  std::vector<ScoredSignals> result;
  for (int64_t b = 0; b < count; ++b) {
    const Mixture& item = items[b].item;
    result.push_back({item.sources, estimates.slice(b, b + 1).reshape({separator.outputs, length}),
                      item.mixture.slice(0, 1).reshape({length}), set.sample_rate()});
    if (recordings) result.back().recording = item.mixture;
  }
  return result;
}

Evaluation evaluate_items(const ItemSeparator& separator, const MixtureSet& set, int64_t batch,
                          const EvaluationOptions& options) {
  const ScoredForm form{.with_mixture = true,
                        .more_outputs = separator.outputs > set.num_sources(),
                        .sources = set.num_sources(),
                        .microphones = set.channels()};
  Evaluation evaluation{{columns_of(options, form), {}}, {}, {}};
  const bool recordings = std::ranges::find(options.oracles, "auxiva") != options.oracles.end();
  const int64_t count = limited(set.size(), options);
  ScoreTable& table = evaluation.table;
  std::map<int64_t, std::vector<int64_t>> by_length;
  for (int64_t i = 0; i < count; ++i) {
    table.items.push_back({.name = set.id(i), .sources = numbered_sources(set.num_sources())});
    by_length[set.length(i)].push_back(i);
  }
  ItemFailures failures(table.items, options.failed);
  failures.announce();
  // Separated and not yet scored. Lengths are mixed, so that every thread has an item.
  std::vector<std::pair<int64_t, ScoredSignals>> waiting;
  int64_t done = 0;
  const auto score_waiting = [&] {
    parallel_for(static_cast<int64_t>(waiting.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t w = begin; w < end; ++w) {
        const int64_t item = waiting[w].first;
        const ScoredSignals& signals = waiting[w].second;  // clang's lambdas capture no structured binding
        failures.attempt(item, [&] {
          table.items[item] = score_item(table.items[item].name, signals, table.columns, options.scoring);
        });
      }
    });
    done += static_cast<int64_t>(waiting.size());
    if (options.progress) options.progress(done, count);
    waiting.clear();
  };
  const auto separate = [&](const std::vector<int64_t>& indices) {
    auto signals = separate_items(separator, set, indices, recordings, memory_of(options));
    for (size_t b = 0; b < indices.size(); ++b) waiting.emplace_back(indices[b], std::move(signals[b]));
  };
  for (const auto& [length, items] : by_length) {
    for (size_t first = 0; first < items.size(); first += batch) {
      const std::vector<int64_t> indices(items.begin() + first,
                                         items.begin() + std::min(items.size(), first + static_cast<size_t>(batch)));
      if (indices.size() == 1 || !ItemFailures::attempt_together([&] { separate(indices); }))
        for (const int64_t item : indices) done += !failures.attempt(item, [&] { separate({item}); });
      if (static_cast<int64_t>(waiting.size()) >= std::max<int64_t>(batch, 4 * num_threads())) score_waiting();
    }
  }
  score_waiting();
  failures.throw_if_all_failed();
  evaluation.load = [separator, &set, recordings, memory = memory_of(options)](int64_t item) {
    return separate_items(separator, set, {item}, recordings, memory)[0];
  };
  return evaluation;
}

}  // namespace

Evaluation evaluate_model(const Separator& network, const MixtureSet& set, int64_t batch,
                          const EvaluationOptions& options) {
  if (scores_blindly(network, set, options)) return evaluate_blind(network, set, options);
  if (set.channels() < network.microphones())
    throw_error<UsageError>("expected mixtures of the network's {} microphones, got {}", network.microphones(),
                            set.channels());
  return evaluate_items(separator_of(network), set, batch, options);
}

Evaluation evaluate_auxiva(const MixtureSet& set, int64_t batch, const EvaluationOptions& options) {
  if (!set.has_sources()) throw UsageError("AuxIVA: the set has no clean sources to score it with");
  if (const int64_t needed = std::max(2, set.num_sources()); set.channels() < needed)
    throw_error<UsageError>("AuxIVA: expected recordings of at least {} microphones, got {}", needed, set.channels());
  return evaluate_items(auxiva_separator(set.num_sources()), set, batch, options);
}

Evaluation evaluate_files(const std::vector<ScoredFiles>& files, Align align, const EvaluationOptions& options) {
  const ScoredForm form{.with_mixture = !files[0].mixture.empty(),
                        .more_outputs = std::any_of(files.begin(), files.end(), [](const ScoredFiles& item) {
                          return item.estimates.size() > item.references.size();
                        })};
  Evaluation evaluation{{columns_of(options, form), {}}, {}, {}};
  const int64_t count = limited(static_cast<int64_t>(files.size()), options);
  ScoreTable& table = evaluation.table;
  for (int64_t i = 0; i < count; ++i) table.items.push_back({.name = files[i].name, .sources = files[i].sources});
  ItemFailures failures(table.items, options.failed);
  std::vector<int64_t> readable;
  const int64_t memory = memory_of(options);
  for (int64_t i = 0; i < count; ++i)  // not after hours of scoring
    if (failures.attempt(i, [&] { check_scored_files(files[i], align, memory); })) readable.push_back(i);
  failures.throw_if_all_failed();
  failures.announce();
  std::mutex reporting;
  int64_t done = count - static_cast<int64_t>(readable.size());
  parallel_for(static_cast<int64_t>(readable.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t i = readable[r];
      failures.attempt(i, [&] {
        table.items[i] = score_item(files[i].name, read_scored_files(files[i], align), table.columns, options.scoring);
      });
    }
    const std::lock_guard lock(reporting);
    done += end - begin;
    if (options.progress) options.progress(done, count);
  });
  failures.throw_if_all_failed();
  evaluation.load = [files, align](int64_t item) { return read_scored_files(files[item], align); };
  return evaluation;
}

}  // namespace sunder
