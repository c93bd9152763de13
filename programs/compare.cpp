// sunder-compare: training runs beside each other, as a table and as curves.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <set>

#include "command/cleanup.h"
#include "command/command_line.h"
#include "command/output.h"
#include "files/atomic_file.h"
#include "files/output_target.h"
#include "tensor/error.h"
#include "train/config.h"
#include "train/report.h"

namespace {

namespace fs = std::filesystem;
using namespace sunder;

struct Options {
  std::vector<std::string> runs;
  std::string axis = "steps", output = "comparison.png";
};

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Compares training runs, finished or under way: prints their best and last validation scores and the settings "
      "in\n"
      "which they differ, and draws their curves into one picture.",
      "sunder-compare");
  app.add_option("runs", options.runs, fmt::format("run folders, at most {}", most_compared_runs))->required();
  app.add_option("-o,--output", options.output, "the picture, .png or .svg, which is replaced")->capture_default_str();
  app.add_option("--x", options.axis, "the axis: steps, epochs or minutes")
      ->check(CLI::IsMember({"steps", "epochs", "minutes"}))
      ->capture_default_str();
  parse_command_line(app, argc, argv,
                     "  sunder-compare runs/pit runs/mixcycle\n"
                     "  sunder-compare runs/*-seed0 --x minutes -o curves.svg");
  if (options.runs.size() > most_compared_runs)
    throw_error<UsageError>("runs: expected at most {}, got {}", most_compared_runs, options.runs.size());
  const std::string ending = fs::path(options.output).extension();
  if (ending != ".png" && ending != ".svg")
    throw_error<UsageError>("--output: expected a name that ends with .png or .svg, got {}", options.output);
  return options;
}

struct Run {
  std::string name;
  Config config;
  TrainingHistory history;
};

Run read_run(const fs::path& folder) {
  const fs::path metrics = folder / "metrics.jsonl", config = folder / "config.toml";
  for (const fs::path& file : {config, metrics})
    if (!fs::exists(file))
      throw_error<InputError>("{}: expected a run folder with {}, found none", folder.string(),
                              file.filename().string());
  Run run{fs::absolute(folder).lexically_normal().filename().string(), {}, read_history(metrics)};
  if (run.name.empty()) run.name = fs::absolute(folder).lexically_normal().parent_path().filename();
  load_config(run.config, config, Names::also_former);
  if (run.history.validations.empty())
    throw_error<InputError>("{}: expected at least one validation, found none", metrics.string());
  return run;
}

// Of equal names as much of the paths as tells them apart.
std::vector<Run> read_runs(const std::vector<std::string>& folders) {
  std::vector<Run> runs;
  std::multiset<std::string> names;
  for (const std::string& folder : folders) runs.push_back(read_run(folder)), names.insert(runs.back().name);
  for (size_t i = 0; i < runs.size(); ++i)
    if (names.count(runs[i].name) > 1) runs[i].name = folders[i];
  return runs;
}

// A quantity of a validation, and whether less of it is better.
struct Quantity {
  const char* name;
  double TrainingHistory::Validation::*value;
  bool less_is_better = false;
};
constexpr Quantity quantities[] = {{"SI-SNRi (dB)", &TrainingHistory::Validation::si_snri},
                                   {"blind score (dB)", &TrainingHistory::Validation::blind},
                                   {"validation loss", &TrainingHistory::Validation::valid_loss, true}};

std::string number_or_dash(double value) { return std::isfinite(value) ? fmt::format("{:.2f}", value) : "-"; }

void print_scores(const std::vector<Run>& runs) {
  std::vector<Quantity> shown;
  for (const Quantity& quantity : quantities)
    if (std::any_of(runs.begin(), runs.end(), [&](const Run& run) {
          return std::any_of(run.history.validations.begin(), run.history.validations.end(),
                             [&](const auto& validation) { return std::isfinite(validation.*quantity.value); });
        }))
      shown.push_back(quantity);
  std::string head = "| run | method | epochs | steps | minutes |", rule = "| --- | --- | --- | --- | --- |";
  for (const Quantity& quantity : shown) {
    head += fmt::format(" best {} | after step | last |", quantity.name);
    rule += " --- | --- | --- |";
  }
  print_result("{}\n{}\n", head, rule);
  for (const Run& run : runs) {
    const auto& last = run.history.validations.back();
    std::string line = fmt::format("| {} | {} | {:.0f} | {:.0f} | {:.1f} |", run.name,
                                   last.task.empty() ? "-" : last.task, last.epoch, last.step, last.minutes);
    for (const Quantity& quantity : shown) {
      double best = NAN, step = NAN;
      for (const auto& validation : run.history.validations) {
        const double value = validation.*quantity.value;
        if (!std::isfinite(value) || (std::isfinite(best) && (quantity.less_is_better ? value >= best : value <= best)))
          continue;
        best = value;
        step = validation.step;
      }
      line +=
          fmt::format(" {} | {} | {} |", number_or_dash(best), std::isfinite(step) ? fmt::format("{:.0f}", step) : "-",
                      number_or_dash(last.*quantity.value));
    }
    print_result("{}\n", line);
  }
}

void print_differences(std::vector<Run>& runs) {
  std::set<std::string> keys;
  for (const Run& run : runs)
    for (const ConfigDifference& difference : compare(runs[0].config, run.config)) keys.insert(difference.key);
  if (keys.empty()) return;
  std::string head = "\n| setting |", rule = "| --- |";
  for (const Run& run : runs) head += fmt::format(" {} |", run.name), rule += " --- |";
  print_result("{}\n{}\n", head, rule);
  for (const std::string& key : keys) {
    std::string line = fmt::format("| {} |", key);
    for (Run& run : runs) {
      const Fields all = fields(run.config);
      const auto found = std::find_if(all.begin(), all.end(), [&](const Field& field) { return field.name == key; });
      line += fmt::format(" {} |", found == all.end() ? "-" : text_of(*found));
    }
    print_result("{}\n", line);
  }
}

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  check_output(options.output);
  std::vector<Run> runs = read_runs(options.runs);
  print_scores(runs);
  print_differences(runs);
  std::vector<NamedHistory> histories;
  for (const Run& each : runs) histories.push_back({each.name, each.history});
  const Chart chart = comparison_chart(fmt::format("{} runs", runs.size()), histories, options.axis);
  if (fs::path(options.output).extension() == ".svg") write_file(options.output, chart_svg(chart));
  else write_png(options.output, draw_chart(chart));
  print_message("sunder-compare: wrote {}\n", options.output);
  return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  remove_temporaries_at_signals();
  return run_main("sunder-compare", [&] { return run(argc, argv); });
}
