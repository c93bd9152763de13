#include "evaluate/score_columns.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "tensor/error.h"

namespace sunder {
namespace {

struct OracleName {
  const char* name;
  ScoredSystem system;
  const char* label;
};

constexpr OracleName oracle_names[] = {
    {"irm", ScoredSystem::irm, "ideal ratio masks"},
    {"ibm", ScoredSystem::ibm, "ideal binary masks"},
    {"psm", ScoredSystem::psm, "phase-sensitive masks"},
    {"auxiva", ScoredSystem::auxiva, "AuxIVA, without training"},
    {"mixture", ScoredSystem::mixture, "the mixture itself"},
};

const Metric* find_metric(const std::string& name) {
  for (const Metric& known : metric_table())
    if (name == known.name) return &known;
  return nullptr;
}

// One signal for all sources has no order.
bool scores_mixtures(const Metric& metric) { return !std::holds_alternative<OrderPart>(metric.score); }

std::vector<std::string> known_metrics() {
  std::vector<std::string> names;
  for (const Metric& known : metric_table()) {
    names.emplace_back(known.name);
    if (scores_mixtures(known)) names.push_back(known.name + std::string("i"));
  }
  return names;
}

void check_names(const char* what, const std::vector<std::string>& names, const std::vector<std::string>& known) {
  if (names.empty()) throw_error<UsageError>("{}: expected some of {}, got none", what, fmt::join(known, ", "));
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw UnknownName(fmt::format("{}: expected some of {}, got '{}'", what, fmt::join(known, ", "), name), name,
                        known);
    if (std::count(names.begin(), names.end(), name) > 1) throw_error<UsageError>("{}: {} twice", what, name);
  }
}

std::vector<OracleName> chosen_oracles(const std::vector<std::string>& names, const ScoredForm& form) {
  std::vector<std::string> known = {"none"};
  for (const OracleName& oracle : oracle_names) known.emplace_back(oracle.name);
  check_names("oracles", names, known);
  std::vector<OracleName> chosen;
  if (form.more_outputs) chosen.push_back({"oracle", ScoredSystem::sums, "outputs summed by an oracle"});
  if (std::find(names.begin(), names.end(), "none") != names.end()) {
    if (names.size() > 1) throw_error<UsageError>("oracles: none stands alone, got {}", fmt::join(names, ","));
    return chosen;
  }
  if (!form.with_mixture)
    throw_error<MixturesMissing>("oracles: {} is made from the mixtures, and there are none", names[0]);
  for (const OracleName& oracle : oracle_names) {
    if (std::find(names.begin(), names.end(), oracle.name) == names.end()) continue;
    if (oracle.system == ScoredSystem::auxiva && form.microphones < std::max<int64_t>(2, form.sources))
      throw_error<UsageError>("oracles: auxiva separates recordings of at least {} microphones, these have {}",
                              std::max<int64_t>(2, form.sources), form.microphones);
    chosen.push_back(oracle);
  }
  return chosen;
}

}  // namespace

std::vector<ScoreColumn> score_columns(const std::vector<std::string>& metrics, const std::vector<std::string>& oracles,
                                       const ScoredForm& form) {
  check_names("metrics", metrics, known_metrics());
  const std::vector<OracleName> beside = chosen_oracles(oracles, form);
  std::vector<ScoreColumn> columns;
  for (const std::string& name : metrics) {
    const bool improvement = !find_metric(name);
    if (improvement && !form.with_mixture)
      throw_error<MixturesMissing>("metrics: {} is measured from the mixtures, and there are none", name);
    const Metric& metric = *find_metric(improvement ? name.substr(0, name.size() - 1) : name);
    const std::string label = metric.label + std::string(!improvement                            ? ""
                                                         : std::string_view(metric.unit) == "dB" ? "i"
                                                                                                 : " improvement");
    columns.push_back({&metric, improvement, ScoredSystem::estimate, name, label, metric.unit});
    for (const OracleName& oracle : beside) {
      const bool own = oracle.system == ScoredSystem::mixture;  // the mixture's improvement over itself is always 0
      if (own && !scores_mixtures(metric)) continue;
      if (own && improvement && std::find(metrics.begin(), metrics.end(), metric.name) != metrics.end()) continue;
      columns.push_back({&metric, improvement && !own, oracle.system,
                         fmt::format("{}_{}", oracle.name, own ? metric.name : name),
                         fmt::format("{}, {}", own ? metric.label : label, oracle.label), metric.unit});
    }
  }
  return columns;
}

}  // namespace sunder
