// sunder-evaluate: how well a model, or files from anywhere, separate mixtures whose sources are known.
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstring>
#include <map>

#include "audio/metrics/pesq/pesq_program.h"
#include "command/command_line.h"
#include "command/progress_line.h"
#include "evaluate/evaluation.h"
#include "evaluate/score_page.h"
#include "files/atomic_file.h"
#include "programs/model_options.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace {

namespace fs = std::filesystem;
using namespace sunder;

struct Options {
  ModelOptions model;
  std::string data, split = "test", corpus, references, estimates, mixtures;
  std::vector<std::string> metrics, oracles;
  std::string permutation_by = "si_sdr", align = "none", pesq_program;
  double pesq_time_limit = 60;  // seconds
  bool zero_mean = false;
  std::string csv, json, results, html;
  int64_t batch = 8, max_items = 0;
};

constexpr int pesq_patience = 10;

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Scores separation where the sources are known: a model on a mixture set (--model, --data), or files that any\n"
      "program wrote (--references, --estimates). Items are taken whole; each source gets an output of its own, so "
      "that\n"
      "the sum of --permutation-by is largest. Prints a table of means over items and sources, oracles beside them.\n"
      "Scores that do not exist (silent or too short signals) are named, counted and left out. docs/metrics.md\n"
      "defines the metrics.",
      "sunder-evaluate");
  add_model_options(app, options.model);
  app.add_option("--data", options.data,
                 "mixture set: from sunder-prepare, LibriMix, SMS-WSJ, or {train,valid,test}/{mix,s1,s2}");
  app.add_option("--split", options.split, "train, valid or test")->capture_default_str();
  app.add_option("--corpus", options.corpus, "where the recordings of a listed set are, if not where set.toml says");
  app.add_option("--references", options.references, "folder with x.wav, or with s1/x.wav, s2/x.wav, ...");
  app.add_option("--estimates", options.estimates,
                 "folder with x.wav, with s1/x.wav, s2/x.wav, ..., or with x_s1.wav, x_s2.wav, ... (sunder-separate)");
  app.add_option("--mixtures", options.mixtures, "folder with the mixtures x.wav of --references, for improvements");
  app.add_option(
         "--metrics", options.metrics,
         "comma-separated: si_sdr (also called si_snr), sdr, sir, sar, stoi, estoi, pesq_nb, pesq_wb, and each\n"
         "with an i (si_sdri) for its improvement over the mixture; default: si_snr,si_snri, without mixtures\n"
         "si_snr")
      ->delimiter(',');
  app.add_option("--oracles", options.oracles,
                 "comma-separated, scored beside the estimates: irm, ibm, psm (ideal ratio, ideal binary and\n"
                 "phase-sensitive masks), mixture, or none; default: irm,mixture, without mixtures none")
      ->delimiter(',');
  app.add_option("--permutation-by", options.permutation_by, "si_sdr, sdr or sir: what matches outputs to sources")
      ->check(CLI::IsMember({"si_sdr", "sdr", "sir"}))
      ->capture_default_str();
  app.add_flag("--zero-mean", options.zero_mean, "SI-SDR without the signals' means");
  app.add_option(
         "--align", options.align,
         "files of unequal lengths: trim to the shortest of an item, pad with zeros to the longest, or none: an\n"
         "error")
      ->check(CLI::IsMember({"none", "trim", "pad"}))
      ->capture_default_str();
  app.add_option(
      "--pesq-program", options.pesq_program,
      "a program that computes PESQ, called as PROGRAM +RATE [+wb] reference.wav degraded.wav: the ITU's own\n"
      "or scripts/pesq-python; --threads of them run at once");
  app.add_option("--pesq-time-limit", options.pesq_time_limit, "seconds until a PESQ program is stopped")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--csv", options.csv, "file for the scores of every item and source: item,source,si_snr,...");
  app.add_option("--json", options.json, "file for the same with the summary and what was left out");
  app.add_option("--results", options.results, "file for the printed table (markdown): results.md");
  app.add_option("--html", options.html,
                 "file for a report to look at: distributions, improvement against input level, the best, median and\n"
                 "worst items with spectrograms and players; one file, opens without a network");
  app.add_option("--max-items", options.max_items, "score the first items alone; 0 scores all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--batch", options.batch, "items of one length that go through the network together")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  parse_command_line(
      app, argc, argv,
      "  sunder-evaluate --model RUN/checkpoints/best --data SET --split test --csv items.csv --html report.html\n"
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
  if (options.align != "none" && !files) throw UsageError("--align belongs to --references and --estimates");
  if (!options.mixtures.empty() && !files) throw UsageError("--mixtures belongs to --references and --estimates");
  // A result that cannot be written should not cost an evaluation first.
  for (const std::string& file : {options.csv, options.json, options.results, options.html}) {
    if (file.empty()) continue;
    const fs::path parent = fs::absolute(file).parent_path();
    if (!fs::is_directory(parent)) throw_error("{}: cannot be written: no folder {}", file, parent.string());
    if (fs::is_directory(file)) throw_error("{}: cannot be written: it is a folder", file);
    if (::access(parent.c_str(), W_OK | X_OK) != 0)
      throw_error("{}: cannot be written: {}", file, std::strerror(errno));
  }
}

void check_fit(const Options& options, const LoadedModel& model, const MixtureSet& set) {
  if (set.sample_rate() != model.sample_rate)
    throw_error<InputError>("{}: expected mixtures at {} Hz, the model's rate, got {} Hz", options.data,
                            model.sample_rate, set.sample_rate());
  if (model.separator->sources() < set.num_sources())
    throw_error<ModelError>("{}: expected a model with an output for each of {} sources, found {}", options.model.path,
                            set.num_sources(), model.separator->sources());
}

Align alignment(const std::string& name) {
  return name == "trim" ? Align::trim : name == "pad" ? Align::pad : Align::none;
}

Metric permutation_metric(const std::string& name) {
  return name == "sir" ? Metric::sir : name == "sdr" ? Metric::sdr : Metric::si_sdr;
}

EvaluationOptions evaluation_options(const Options& options) {
  EvaluationOptions result{
      options.metrics, options.oracles, {}, options.max_items, progress_line("evaluating", " items")};
  result.scoring.permutation_by = permutation_metric(options.permutation_by);
  result.scoring.zero_mean = options.zero_mean;
  const auto& metrics = options.metrics;
  if (options.pesq_program.empty() &&
      std::any_of(metrics.begin(), metrics.end(), [](const std::string& name) { return name.starts_with("pesq"); }))
    throw UsageError(
        "--metrics: PESQ is computed by a program of yours; say which with --pesq-program (docs/metrics.md)");
  if (options.pesq_program.empty()) return result;
  const auto program = std::make_shared<PesqProgram>(
      PesqProgram::Options{.command = options.pesq_program, .time_limit_s = options.pesq_time_limit});
  // A program that fails again and again, by a minute's silence perhaps, is not asked for ever.
  const auto failures = std::make_shared<std::atomic<int>>(0);
  result.scoring.pesq = [program, failures](std::span<const float> reference, std::span<const float> degraded,
                                            int sample_rate, bool wide) {
    if (*failures >= pesq_patience) throw_error("not asked any more after {} failures in a row", pesq_patience);
    try {
      const Score score = program->score(reference, degraded, sample_rate, wide ? PesqBand::wide : PesqBand::narrow);
      *failures = 0;
      return score;
    } catch (const Error& error) {
      if (++*failures == 1) fmt::print(stderr, "{}\n", error.what());
      throw;
    }
  };
  return result;
}

// Names with the same gap, the first few of them.
std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t shown = 5;
  const std::vector<std::string> first(names.begin(), names.begin() + std::min(names.size(), shown));
  return fmt::format("{}{}", fmt::join(first, ", "),
                     names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

// What the means leave out, a sentence each.
std::vector<std::string> gaps(const ScoreTable& table) {
  std::vector<std::string> sentences;
  for (const ScoredItem& item : table.items)
    if (!item.skipped.empty()) sentences.push_back(fmt::format("left out: {}: {}", item.name, item.skipped));
  for (size_t c = 0; c < table.columns.size(); ++c) {
    std::map<std::string, std::vector<std::string>> names;  // by reason
    for (const ScoredItem& item : table.items)
      for (size_t s = 0; s < item.scores.size(); ++s)
        if (!item.scores[s][c].value)
          names[item.scores[s][c].missing].push_back(fmt::format("{} s{}", item.name, s + 1));
    for (const auto& [reason, values] : names)
      sentences.push_back(fmt::format("no {} for {} {}, which its mean leaves out: {}: {}", table.columns[c].label,
                                      values.size(), values.size() == 1 ? "source" : "sources", reason,
                                      some_of(values)));
  }
  return sentences;
}

// "60 items of 2 sources, 1 left out"
std::string count_of(const Evaluation& evaluation, int64_t skipped) {
  const int64_t scored = static_cast<int64_t>(evaluation.table.items.size()) - skipped;
  return fmt::format("{} {} of {} {}{}", scored, scored == 1 ? "item" : "items", evaluation.table.sources,
                     evaluation.table.sources == 1 ? "source" : "sources",
                     skipped > 0 ? fmt::format(", {} left out", skipped) : "");
}

// Says where the PESQ program failed; whether it did.
bool tell_failures(const ScoreTable& table) {
  std::vector<std::string> failures;
  for (const ScoredItem& item : table.items)
    if (!item.failure.empty()) failures.push_back(item.failure);
  if (failures.empty()) return false;
  fmt::print(stderr, "the PESQ program failed for {} of {} items, first for {}\n", failures.size(), table.items.size(),
             failures[0]);
  return true;
}

int report(const Options& options, Evaluation& evaluation) {
  const ScoreTable& table = evaluation.table;
  const auto skipped = std::count_if(table.items.begin(), table.items.end(),
                                     [](const ScoredItem& item) { return !item.skipped.empty(); });
  const std::vector<std::string> left_out = gaps(table);
  for (const std::string& sentence : left_out) fmt::print(stderr, "{}\n", sentence);
  std::string title;
  for (const auto& [key, value] : evaluation.heading) title += fmt::format("{} {}, ", key, value);
  const std::string counted = count_of(evaluation, skipped), markdown = scores_markdown(table, title + counted);
  fmt::print("{}", markdown);
  evaluation.heading.emplace_back("version", version());
  if (!options.csv.empty()) write_file(options.csv, scores_csv(table));
  if (!options.json.empty()) write_file(options.json, scores_json(table, evaluation.heading));
  if (!options.results.empty()) write_file(options.results, markdown);
  if (!options.html.empty())
    write_file(options.html, report_page(score_page(evaluation, "Scores of " + counted, left_out)));
  const bool failed = tell_failures(table);
  if (skipped == static_cast<int64_t>(table.items.size())) throw InputError("no item is left to score");
  return failed ? exit_some_failed : exit_done;
}

// What was asked for otherwise than by default, so that a table says how it was made.
void add_choices(const Options& options, ScoreHeading& heading) {
  if (options.permutation_by != "si_sdr") heading.emplace_back("permutation by", options.permutation_by);
  if (options.zero_mean) heading.emplace_back("SI-SDR", "without means");
  if (options.align != "none") heading.emplace_back("align", options.align);
  if (options.max_items > 0) heading.emplace_back("first items", fmt::format("{}", options.max_items));
  if (!options.pesq_program.empty()) heading.emplace_back("PESQ program", options.pesq_program);
}

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  check_combination(options);
  const EvaluationOptions evaluated = evaluation_options(options);
  if (options.model.path.empty()) {
    set_num_threads(options.model.threads);
    const auto files = find_scored_files(options.references, options.estimates, options.mixtures);
    Evaluation evaluation = evaluate_files(files, alignment(options.align), evaluated);
    evaluation.heading = {{"references", options.references}, {"estimates", options.estimates}};
    if (!options.mixtures.empty()) evaluation.heading.emplace_back("mixtures", options.mixtures);
    add_choices(options, evaluation.heading);
    return report(options, evaluation);
  }
  const LoadedModel model = open_model(options.model);
  const MixtureSet set =
      MixtureSet::open(options.data, options.split,
                       {.corpus = options.corpus, .channels = static_cast<int>(model.separator->microphones())});
  check_fit(options, model, set);
  Evaluation evaluation = evaluate_model(*model.separator, set, options.batch, evaluated);
  evaluation.heading = {{"model", options.model.path}, {"data", options.data}, {"split", options.split}};
  add_choices(options, evaluation.heading);
  return report(options, evaluation);
}

}  // namespace

int main(int argc, char** argv) {
  const auto advice = [](const Error& error) -> std::string {
    if (dynamic_cast<const MixturesMissing*>(&error)) return "say where they are with --mixtures";
    if (error.kind() == ErrorKind::memory) return "lower --batch";
    return model_advice(error);
  };
  return run_main(
      "sunder-evaluate", [&] { return run(argc, argv); }, advice);
}
