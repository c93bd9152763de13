// sunder-evaluate: how well a model, or files from anywhere, separate mixtures whose sources are known.
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <map>
#include <mutex>

#include "audio/mixture_set.h"
#include "nn/durable_file.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "train/model_options.h"
#include "train/options.h"
#include "train/progress_line.h"
#include "train/score_folders.h"
#include "train/score_report.h"
#include "train/scoring.h"
#include "train/separation.h"

namespace {

namespace fs = std::filesystem;
using namespace sunder;

struct Options {
  ModelOptions model;
  std::string data, split = "test", corpus, references, estimates, mixtures;
  std::vector<std::string> metrics;
  std::string csv, json, results;
  int64_t batch = 8, max_items = 0;
};

using Heading = std::vector<std::pair<std::string, std::string>>;

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Scores separation where the sources are known: a model on a mixture set (--model, --data), or files that any\n"
      "program wrote (--references, --estimates). Items are taken whole; each source gets the output that makes the "
      "sum\n"
      "of scores largest. Prints a table of means over items and sources, with the same score of ideal ratio masks\n"
      "beside it. Items with a silent reference are named and left out.",
      "sunder-evaluate");
  add_model_options(app, options.model);
  app.add_option("--data", options.data,
                 "mixture set: from sunder-prepare, LibriMix, or {train,valid,test}/{mix,s1,s2}");
  app.add_option("--split", options.split, "train, valid or test")->capture_default_str();
  app.add_option("--corpus", options.corpus, "where the recordings of a listed set are, if not where set.toml says");
  app.add_option("--references", options.references, "folder with x.wav, or with s1/x.wav, s2/x.wav, ...");
  app.add_option("--estimates", options.estimates,
                 "folder with x.wav, with s1/x.wav, s2/x.wav, ..., or with x_s1.wav, x_s2.wav, ... (sunder-separate)");
  app.add_option("--mixtures", options.mixtures, "folder with the mixtures x.wav of --references, for improvements");
  app.add_option("--metrics", options.metrics,
                 "comma-separated: si_snr and si_snri (its improvement over the mixture), also called si_sdr and\n"
                 "si_sdri; default: si_snr,si_snri, without mixtures si_snr")
      ->delimiter(',');
  app.add_option("--csv", options.csv, "file for the scores of every item and source: item,source,si_snr,...");
  app.add_option("--json", options.json, "file for the same with the summary and what was left out");
  app.add_option("--results", options.results, "file for the printed table (markdown)");
  app.add_option("--max-items", options.max_items, "score the first items alone; 0 scores all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--batch", options.batch, "items of one length that go through the network together")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  parse_command_line(
      app, argc, argv,
      "  sunder-evaluate --model RUN/checkpoints/best --data SET --split test --csv items.csv --json all.json\n"
      "  sunder-evaluate --references SET/test --estimates separated --mixtures SET/test/mix --csv items.csv");
  return options;
}

void check_combination(const Options& options) {
  const bool files = !options.references.empty() || !options.estimates.empty();
  if (files && (!options.model.path.empty() || !options.data.empty()))
    throw UsageError("expected --model with --data, or --references with --estimates, got both");
  if (files && (options.references.empty() || options.estimates.empty()))
    throw UsageError("--references and --estimates belong together");
  if (!files && options.model.path.empty()) throw UsageError("--model is required (or --references and --estimates)");
  if (!files && options.data.empty()) throw UsageError("--data is required: the mixture set to evaluate on");
  if (!options.mixtures.empty() && !files) throw UsageError("--mixtures belongs to --references and --estimates");
  // A result that cannot be written should not cost an evaluation first.
  for (const std::string& file : {options.csv, options.json, options.results}) {
    if (file.empty()) continue;
    const fs::path parent = fs::absolute(file).parent_path();
    if (!fs::is_directory(parent)) throw_error("{}: cannot be written: no folder {}", file, parent.string());
    if (fs::is_directory(file)) throw_error("{}: cannot be written: it is a folder", file);
    if (::access(parent.c_str(), W_OK | X_OK) != 0)
      throw_error("{}: cannot be written: {}", file, std::strerror(errno));
  }
}

std::vector<std::string> metrics_or(const Options& options, const std::vector<std::string>& defaults) {
  return options.metrics.empty() ? defaults : options.metrics;
}

int64_t limited(int64_t count, const Options& options) {
  return options.max_items > 0 ? std::min(count, options.max_items) : count;
}

Tensor rows(const std::vector<std::vector<float>>& signals, int64_t length) {
  const Tensor result = Tensor::empty({static_cast<int64_t>(signals.size()), length}, DType::float32);
  for (size_t i = 0; i < signals.size(); ++i)
    std::copy(signals[i].begin(), signals[i].end(), result.mutable_data<float>() + static_cast<int64_t>(i) * length);
  return result;
}

// Items first to last of `indices`, all of `length` samples.
void score_batch(const Separator& network, const MixtureSet& set, const std::vector<int64_t>& indices, int64_t length,
                 ScoreTable& table) {
  const auto count = static_cast<int64_t>(indices.size());
  std::vector<Mixture> items(count);
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) items[b] = set.load(indices[b]);
  });
  std::vector<std::vector<float>> signals;
  for (const Mixture& item : items) {
    if (static_cast<int64_t>(item.mixture.size()) != length)
      throw_error<InputError>("{}: expected {} samples, got {}", item.id, length, item.mixture.size());
    signals.push_back(item.mixture);
  }
  const Tensor mixtures = rows(signals, length), estimates = separate_batch(network, mixtures);
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      table.items[indices[b]] = score_item(items[b].id, rows(items[b].sources, length),
                                           estimates.slice(b, b + 1).reshape({network.sources(), length}),
                                           mixtures.slice(b, b + 1).reshape({length}), table.columns);
  });
}

ScoreTable score_model(const Options& options, Heading& heading) {
  const LoadedModel model = open_model(options.model);
  const Separator& network = *model.separator;
  const MixtureSet set = MixtureSet::open(options.data, options.split, {.corpus = options.corpus});
  if (set.sample_rate() != model.sample_rate)
    throw_error<InputError>("{}: expected mixtures at {} Hz, the model's rate, got {} Hz", options.data,
                            model.sample_rate, set.sample_rate());
  if (network.sources() < set.num_sources())
    throw_error<CheckpointError>("{}: expected a model with an output for each of {} sources, found {}",
                                 options.model.path, set.num_sources(), network.sources());
  const ScoredForm form{.with_mixture = true, .more_outputs = network.sources() > set.num_sources()};
  ScoreTable table{score_columns(metrics_or(options, {"si_snr", "si_snri"}), form), set.num_sources(), {}};
  const int64_t count = limited(set.size(), options);
  table.items.resize(count);
  std::map<int64_t, std::vector<int64_t>> by_length;
  for (int64_t i = 0; i < count; ++i) by_length[set.length(i)].push_back(i);
  const Progress line = progress_line("evaluating", " items");
  int64_t done = 0;
  for (const auto& [length, items] : by_length) {
    for (size_t first = 0; first < items.size(); first += options.batch) {
      const size_t last = std::min(items.size(), first + static_cast<size_t>(options.batch));
      score_batch(network, set, {items.begin() + first, items.begin() + last}, length, table);
      line(done += static_cast<int64_t>(last - first), count);
    }
  }
  heading = {{"model", options.model.path}, {"data", options.data}, {"split", options.split}};
  return table;
}

ScoreTable score_files(const Options& options, Heading& heading) {
  set_num_threads(options.model.threads);
  const auto files = find_scored_files(options.references, options.estimates, options.mixtures);
  const ScoredForm form{.with_mixture = !options.mixtures.empty(),
                        .more_outputs = files[0].estimates.size() > files[0].references.size()};
  const std::vector<std::string> defaults =
      form.with_mixture ? std::vector<std::string>{"si_snr", "si_snri"} : std::vector<std::string>{"si_snr"};
  ScoreTable table{
      score_columns(metrics_or(options, defaults), form), static_cast<int64_t>(files[0].references.size()), {}};
  const int64_t count = limited(static_cast<int64_t>(files.size()), options);
  table.items.resize(count);
  const Progress line = progress_line("evaluating", " items");
  std::mutex reporting;
  int64_t done = 0;
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const ScoredSignals signals = read_scored_files(files[i]);
      table.items[i] = score_item(files[i].name, signals.references, signals.estimates, signals.mixture, table.columns);
    }
    const std::lock_guard lock(reporting);
    line(done += end - begin, count);
  });
  heading = {{"references", options.references}, {"estimates", options.estimates}};
  if (form.with_mixture) heading.emplace_back("mixtures", options.mixtures);
  return table;
}

// Says on stderr what the means leave out.
void tell_gaps(const ScoreTable& table, int64_t skipped) {
  int64_t undefined = 0, sources = 0;
  for (const ScoredItem& item : table.items) {
    if (!item.skipped.empty()) {
      fmt::print(stderr, "left out: {}: {}\n", item.name, item.skipped);
      continue;
    }
    for (const auto& source : item.scores) {
      ++sources;
      if (!source[0]) ++undefined;
    }
  }
  if (undefined > 0)
    fmt::print(stderr, "no score where the estimate is silent: {} of {} sources; the means leave them out\n", undefined,
               sources);
  if (skipped == static_cast<int64_t>(table.items.size())) fmt::print(stderr, "no item is left to score\n");
}

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  check_combination(options);
  Heading heading;
  const ScoreTable table = options.model.path.empty() ? score_files(options, heading) : score_model(options, heading);
  int64_t skipped = 0;
  for (const ScoredItem& item : table.items) skipped += item.skipped.empty() ? 0 : 1;
  tell_gaps(table, skipped);

  std::string title;
  for (const auto& [key, value] : heading) title += fmt::format("{} {}, ", key, value);
  const int64_t scored = static_cast<int64_t>(table.items.size()) - skipped;
  title += fmt::format("{} {} of {} sources{}", scored, scored == 1 ? "item" : "items", table.sources,
                       skipped > 0 ? fmt::format(", {} left out", skipped) : "");
  const std::string report = scores_markdown(table, title);
  fmt::print("{}", report);
  heading.emplace_back("version", version());
  if (!options.csv.empty()) write_file(options.csv, scores_csv(table));
  if (!options.json.empty()) write_file(options.json, scores_json(table, heading));
  if (!options.results.empty()) write_file(options.results, report);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_main("sunder-evaluate", [&] { return run(argc, argv); });
}
