// sunder-evaluate: scores a model, or files of any program, on mixtures whose sources are known, and a model on others.
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <map>
#include <set>

#include "audio/listing.h"
#include "audio/metrics/pesq/pesq_program.h"
#include "audio/sets/split_folders.h"
#include "command/cleanup.h"
#include "command/command_line.h"
#include "command/output.h"
#include "command/progress_line.h"
#include "command/shipped_models.h"
#include "evaluate/blind.h"
#include "evaluate/evaluation.h"
#include "evaluate/item_failures.h"
#include "evaluate/score_folders.h"
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
  std::string data, split = "test", corpus, references, estimates, mixtures, mixture_kind = "auto";
  std::vector<std::string> metrics, oracles;
  std::string permutation_by = "si_sdr", align = "none", pesq_program;
  double pesq_time_limit = 60;  // seconds
  bool zero_mean = false;
  std::string csv, json, results, html;
  int64_t batch = 8, max_items = 0;
};

constexpr int pesq_patience = 10;  // failures in a row

std::vector<std::string> metric_names(bool matching_outputs) {
  std::vector<std::string> names;
  for (const Metric& metric : metric_table())
    if (!matching_outputs || metric.matches_outputs) names.emplace_back(metric.name);
  return names;
}

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Scores separation where the sources are known: a model on a mixture set (--model, --data), or files that any\n"
      "program wrote (--references, --estimates). Each source is matched to one output, so that the sum of\n"
      "--permutation-by is largest; sources with names (vocals, drums) are matched by them. On mixtures without clean\n"
      "sources a model gets the blind score: how well it recovers its own estimates from mixtures of them. Prints a\n"
      "table of means over items and sources, oracles beside them. Scores that do not exist (silent or too short\n"
      "signals) and items that fail are named, counted and left out of the means. docs/metrics.md defines the metrics.",
      "sunder-evaluate");
  add_model_options(app, options.model);
  app.add_option("--data", options.data,
                 "mixture set: from sunder-prepare, LibriMix, SMS-WSJ, {train,valid,test}/{mix,s1,s2}, or a folder of\n"
                 "recordings, of which 10 % are for the test (docs/datasets.md)");
  app.add_option("--split", options.split, "train, valid or test")->capture_default_str();
  app.add_option(
         "--mixture-kind", options.mixture_kind,
         "which mixtures of a LibriMix, WHAM! or WHAMR! tree, as data.mixture_kind of the training: both has noise;\n"
         "auto: clean where there are such")
      ->check(CLI::IsMember(mixture_kinds()))
      ->capture_default_str();
  app.add_option("--corpus", options.corpus, "folder of a listed set's recordings, if not the one that set.toml names");
  app.add_option("--references", options.references,
                 "folder of an item's sources: x.wav; s1/x.wav, s2/x.wav, ...; x/s1.wav, x/s2.wav, ...;\n"
                 "x/vocals.wav, x/drums.wav, ... or vocals/x.wav, ...; any kind and number of channels, and items may\n"
                 "have different numbers of sources");
  app.add_option("--estimates", options.estimates,
                 "folder laid out in the same way, or with x_s1.wav, x_s2.wav, ... (sunder-separate), x_est1.wav, ...\n"
                 "(Asteroid), x/s1_estimate.wav, ... or x_vocals.wav, ...; kinds may differ: x.wav scores x.flac");
  app.add_option("--mixtures", options.mixtures,
                 "folder with the mixtures x.wav or x/mixture.wav of --references, for improvements; default: those\n"
                 "that stand beside the sources as x/mixture.wav");
  app.add_option(
         "--metrics", options.metrics,
         fmt::format(
             "comma-separated: {},\n"
             "and each but the order of bins with an i appended (si_sdri), its improvement over the mixture, or blind\n"
             "(a model without references); default: si_snr,si_snri, without mixtures si_snr, without clean sources "
             "blind",
             fmt::join(metric_names(false), ", ")))
      ->delimiter(',');
  app.add_option("--oracles", options.oracles,
                 "comma-separated, scored beside the estimates: irm, ibm, psm (ideal ratio, ideal binary and\n"
                 "phase-sensitive masks), auxiva (blind separation of all microphones of the set, without training),\n"
                 "mixture, or none; default: irm,mixture, without mixtures none. With auxiva --model may be left out:\n"
                 "then its estimates are those that are scored")
      ->delimiter(',');
  app.add_option("--permutation-by", options.permutation_by, "the metric that matches outputs to sources")
      ->check(CLI::IsMember(metric_names(true)))
      ->capture_default_str();
  app.add_flag("--zero-mean", options.zero_mean, "remove the means of both signals before SI-SDR");
  app.add_option(
         "--align", options.align,
         "files of unequal lengths: trim to the shortest of an item, pad with zeros to the longest; none makes them\n"
         "an error")
      ->check(CLI::IsMember({"none", "trim", "pad"}))
      ->capture_default_str();
  app.add_option(
      "--pesq-program", options.pesq_program,
      "a program that computes PESQ, called as PROGRAM +RATE [+wb] reference.wav degraded.wav: the ITU's own\n"
      "or scripts/pesq-python; --threads of them run at once");
  app.add_option("--pesq-time-limit", options.pesq_time_limit,
                 "seconds after which a call of the PESQ program is stopped")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--csv", options.csv, "file for the scores of every item and source: item,source,si_snr,...");
  app.add_option("--json", options.json, "file for the same scores, the summary and what was left out");
  app.add_option("--results", options.results, "file for the printed table (markdown): results.md");
  app.add_option(
      "--html", options.html,
      "file for a report: distributions, improvement against input level, and the best, median and worst items\n"
      "with spectrograms and players; one file that opens without a network");
  app.add_option("--max-items", options.max_items, "score only the first items; 0 scores all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--batch", options.batch, "items of one length that go through the network together")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  parse_command_line(
      app, argc, argv,
      "  sunder-evaluate --model RUN/checkpoints/best --data SET --split test --csv items.csv --html report.html\n"
      "  sunder-evaluate --references SET/test --estimates separated --mixtures SET/test/mix --csv items.csv");
  if (!options.model.path.empty()) options.model.path = find_model(options.model.path);
  return options;
}

bool names_auxiva(const Options& options) {
  return std::ranges::find(options.oracles, "auxiva") != options.oracles.end();
}

void check_combination(const Options& options) {
  const bool files = !options.references.empty() || !options.estimates.empty();
  if (files && (!options.model.path.empty() || !options.data.empty()))
    throw UsageError("expected --model with --data, or --references with --estimates, got both");
  if (files && (options.references.empty() || options.estimates.empty()))
    throw UsageError("--references and --estimates belong together");
  if (!files && options.model.path.empty() && !names_auxiva(options))
    throw UsageError("--model is required (or --references and --estimates, or --oracles auxiva)");
  if (files && names_auxiva(options))
    throw UsageError("--oracles auxiva: expected --data, a set of recordings of several microphones, got files");
  if (!files && options.data.empty()) throw UsageError("--data is required: the mixture set to evaluate on");
  if (options.align != "none" && !files) throw UsageError("--align belongs to --references and --estimates");
  if (!options.mixtures.empty() && !files) throw UsageError("--mixtures belongs to --references and --estimates");
}

// Whether the file is one of those that are read: the model, a recording, or what describes a set or a corpus.
bool is_input(const Options& options, const fs::path& file) {
  std::error_code ignored;
  const auto lies_in = [&](const std::string& folder) {
    const fs::path relative = fs::relative(file, folder, ignored);
    return !folder.empty() && !relative.empty() && *relative.begin() != "..";
  };
  static const std::set<fs::path> lists = {"set.toml",   "train.csv",    "valid.csv", "test.csv",      "splits.csv",
                                           "state.json", "sms_wsj.json", ".sunder",   "manifest.json", "config.toml"};
  if (fs::equivalent(file, options.model.path, ignored)) return true;
  if (!has_audio_name(file) && file.extension() != ".safetensors" && !lists.contains(file.filename())) return false;
  return lies_in(options.model.path) || lies_in(options.data) || lies_in(options.corpus) ||
         lies_in(options.references) || lies_in(options.estimates) || lies_in(options.mixtures);
}

// Fails before the evaluation, not after it, where a result cannot be written or would replace what is not a result.
void check_outputs(const Options& options) {
  std::map<fs::path, std::string> flag_of;
  for (const auto& [flag, file] : {std::pair("--csv", options.csv), std::pair("--json", options.json),
                                   std::pair("--results", options.results), std::pair("--html", options.html)}) {
    if (file.empty()) continue;
    check_output(file);
    const OutputTarget target = output_target(file);
    if (target.through) continue;
    std::error_code ignored;
    const auto [other, added] = flag_of.emplace(fs::weakly_canonical(fs::absolute(target.path), ignored), flag);
    if (!added) throw_error<UsageError>("{} and {}: expected two files, got {} for both", other->second, flag, file);
    if (target.status && is_input(options, target.path))
      throw_error<UsageError>("{} {}: is an input, which the result would replace; choose another file", flag, file);
  }
}

void check_fit(const Options& options, const LoadedModel& model, const MixtureSet& set) {
  if (set.sample_rate() != model.sample_rate)
    throw_error<InputError>("{}: expected mixtures at {} Hz, the model's rate, got {} Hz", options.data,
                            model.sample_rate, set.sample_rate());
  if (set.channels() < model.separator->microphones())
    throw_error<InputError>("{}: expected at least {} microphones, found {}", options.data,
                            model.separator->microphones(), set.channels());
  if (model.separator->sources() < set.num_sources())
    throw_error<ModelError>("{}: expected a model with an output for each of {} sources, found {}", options.model.path,
                            set.num_sources(), model.separator->sources());
}

Align alignment(const std::string& name) {
  return name == "trim" ? Align::trim : name == "pad" ? Align::pad : Align::none;
}

std::string advice_on(const Error& error) {
  if (dynamic_cast<const MixturesMissing*>(&error)) return "name their folder with --mixtures";
  if (dynamic_cast<const PesqMissing*>(&error)) return "name it with --pesq-program (docs/metrics.md)";
  if (dynamic_cast<const LengthsDiffer*>(&error)) return "--align trim or pad makes them equal";
  return "";
}

void print_failure(const ScoredItem& item, const Error& error) {
  const std::string advice = advice_on(error);
  print_message("{}{}\n", message_of_item(item.name, error), advice.empty() ? "" : "; " + advice);
}

EvaluationOptions evaluation_options(const Options& options) {
  EvaluationOptions result{
      options.metrics, options.oracles, {}, options.max_items, progress_line("evaluating", " items")};
  result.scoring.permutation_by = options.permutation_by;
  result.scoring.zero_mean = options.zero_mean;
  result.failed = print_failure;
  if (options.pesq_program.empty()) return result;
  const auto program = std::make_shared<PesqProgram>(
      PesqProgram::Options{.command = options.pesq_program, .time_limit_s = options.pesq_time_limit});
  // Each failure may take the whole time limit: after several in a row the program is not called again.
  const auto failures = std::make_shared<std::atomic<int>>(0);
  result.scoring.pesq = [program, failures](std::span<const float> reference, std::span<const float> degraded,
                                            int sample_rate, PesqBand band) {
    if (*failures >= pesq_patience) throw_error("not called again after {} failures in a row", pesq_patience);
    try {
      const Score score = program->score(reference, degraded, sample_rate, band);
      *failures = 0;
      return score;
    } catch (const Error& error) {
      if (++*failures == 1) print_message("{}\n", error.what());
      throw;
    }
  };
  return result;
}

// "60 items of 2 sources, 1 left out, 2 failed"; "60 items of 2 to 3 sources"
std::string count_of(const ScoreTable& table) {
  size_t scored = 0, skipped = 0, failed = 0, fewest = std::numeric_limits<size_t>::max(), most = 0;
  for (const ScoredItem& item : table.items) {
    (item.has_scores() ? scored : item.failed.empty() ? skipped : failed) += 1;
    fewest = std::min(fewest, item.sources.size());
    most = std::max(most, item.sources.size());
  }
  std::string text = fmt::format("{} {} of ", scored, scored == 1 ? "item" : "items");
  text += fewest == most ? fmt::format("{} {}", most, most == 1 ? "source" : "sources")
                         : fmt::format("{} to {} sources", fewest, most);
  if (skipped > 0) text += fmt::format(", {} left out", skipped);
  if (failed > 0) text += fmt::format(", {} failed", failed);
  return text;
}

// Returns whether there were any.
bool print_pesq_failures(const ScoreTable& table) {
  std::vector<std::string> failures;
  for (const ScoredItem& item : table.items)
    if (!item.failure.empty()) failures.push_back(item.failure);
  if (failures.empty()) return false;
  print_message("the PESQ program failed for {} of {} items, first for {}\n", failures.size(), table.items.size(),
                failures[0]);
  return true;
}

// Returns whether there were any. Each was named when it failed.
bool print_failed_items(const ScoreTable& table) {
  std::vector<std::string> names;
  for (const ScoredItem& item : table.items)
    if (!item.failed.empty()) names.push_back(item.name);
  if (names.empty()) return false;
  print_message("{} of {} items failed and are left out: {}\n", names.size(), table.items.size(), some_of(names));
  return true;
}

// `unused`: what of the files is not scored.
int report(const Options& options, Evaluation& evaluation, const std::vector<std::string>& unused) {
  const ScoreTable& table = evaluation.table;
  const std::vector<std::string> missing = left_out(table);
  for (const std::string& sentence : missing) print_message("{}\n", sentence);
  std::string title;
  for (const auto& [key, value] : evaluation.heading) title += fmt::format("{} {}, ", key, value);
  const std::string counted = count_of(table), markdown = scores_markdown(table, title + counted);
  print_result("{}", markdown);
  std::fflush(stdout);  // before what a result writes to /dev/stdout
  evaluation.heading.emplace_back("version", version());
  if (!options.csv.empty()) write_file(options.csv, scores_csv(table));
  if (!options.json.empty()) write_file(options.json, scores_json(table, evaluation.heading));
  if (!options.results.empty()) write_file(options.results, markdown);
  if (!options.html.empty()) {
    std::vector<std::string> notes = unused;
    for (const auto& sentences : {failed_items(table), missing})
      notes.insert(notes.end(), sentences.begin(), sentences.end());
    write_file(options.html, report_page(score_page(evaluation, "Scores of " + counted, notes)));
  }
  const bool pesq_failed = print_pesq_failures(table), failed = print_failed_items(table);
  if (std::ranges::none_of(table.items, &ScoredItem::has_scores)) throw InputError("no item is left to score");
  return pesq_failed || failed ? exit_some_failed : exit_done;
}

std::string microphones_of(const MixtureSet& set) { return fmt::format("{} microphones", set.channels()); }

// Choices that differ from the defaults, so that a table says how it was made.
void add_choices(const Options& options, ScoreHeading& heading) {
  if (options.permutation_by != "si_sdr") heading.emplace_back("permutation by", options.permutation_by);
  if (options.zero_mean) heading.emplace_back("SI-SDR", "without means");
  if (options.align != "none") heading.emplace_back("align", options.align);
  if (options.mixture_kind != "auto") heading.emplace_back("mixtures", fmt::format("mix_{}", options.mixture_kind));
  if (options.max_items > 0) heading.emplace_back("first items", fmt::format("{}", options.max_items));
  if (!options.pesq_program.empty()) heading.emplace_back("PESQ program", options.pesq_program);
}

int run_on_files(const Options& options, const EvaluationOptions& evaluated) {
  set_num_threads(options.model.threads);
  const ScoreSet files = find_scored_files(options.references, options.estimates, options.mixtures);
  for (const std::string& sentence : files.notes) print_message("{}\n", sentence);
  Evaluation evaluation = evaluate_files(files.items, alignment(options.align), evaluated);
  evaluation.heading = {{"references", options.references}, {"estimates", options.estimates}};
  if (!options.mixtures.empty()) evaluation.heading.emplace_back("mixtures", options.mixtures);
  add_choices(options, evaluation.heading);
  return report(options, evaluation, files.notes);
}

// AuxIVA separates all microphones of the set, whatever the model hears.
MixtureSet open_set(const Options& options, int microphones, int sample_rate) {
  return MixtureSet::open(options.data, options.split,
                          {.corpus = options.corpus,
                           .channels = names_auxiva(options) ? 0 : microphones,
                           .mixture_kind = options.mixture_kind,
                           .sources = CleanSources::where_listed,
                           .sample_rate = sample_rate});
}

int run_without_model(const Options& options, EvaluationOptions evaluated) {
  set_num_threads(options.model.threads);
  const MixtureSet set = open_set(options, 0, 0);
  std::erase(evaluated.oracles, "auxiva");  // the estimates themselves
  if (evaluated.oracles.empty()) evaluated.oracles = {"none"};
  Evaluation evaluation = evaluate_auxiva(set, options.batch, evaluated);
  evaluation.heading = {{"AuxIVA of", microphones_of(set)}, {"data", options.data}, {"split", options.split}};
  add_choices(options, evaluation.heading);
  return report(options, evaluation, {});
}

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  check_combination(options);
  check_outputs(options);
  const EvaluationOptions evaluated = evaluation_options(options);
  if (!options.references.empty()) return run_on_files(options, evaluated);
  if (options.model.path.empty()) return run_without_model(options, evaluated);
  const LoadedModel model = open_model(options.model);
  const MixtureSet set = open_set(options, static_cast<int>(model.separator->microphones()), model.sample_rate);
  check_fit(options, model, set);
  for (const std::string& note : set.notes()) print_message("{}: {}\n", options.data, note);
  if (!set.has_sources() && !has_blind_score(*model.separator))
    print_message("no blind score: it needs a network of 1 microphone and 2 outputs\n");
  Evaluation evaluation = evaluate_model(*model.separator, set, options.batch, evaluated);
  evaluation.heading = {{"model", options.model.path}, {"data", options.data}, {"split", options.split}};
  if (names_auxiva(options)) evaluation.heading.emplace_back("AuxIVA of", microphones_of(set));
  add_choices(options, evaluation.heading);
  return report(options, evaluation, {});
}

}  // namespace

int main(int argc, char** argv) {
  remove_temporaries_at_signals();
  const auto advice = [](const Error& error) {
    const std::string own = advice_on(error);
    return own.empty() ? model_advice(error) : own;
  };
  return run_main(
      "sunder-evaluate", [&] { return run(argc, argv); }, advice);
}
