#include "evaluate/score_folders.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "audio/listing.h"
#include "evaluate/score_layout.h"
#include "evaluate/score_report.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

using Sources = std::map<SourceName, fs::path>;
using Items = std::map<std::string, Sources>;

bool is_numbered(const Sources& sources) { return sources.begin()->first.number >= 0; }

// A flat folder of references holds one source an item.
Items items_of(const ScoreFolder& references) {
  if (references.layout != Layout::flat) return references.items;
  Items items;
  for (const auto& [name, path] : references.recordings) items[name].emplace(SourceName{1, "s1"}, path);
  return items;
}

// The same where all names are those of numbered sources: x_s1.wav, x_s2.wav, ... Empty where one is not, or where no
// item has two.
Items numbered_items_of(const ScoreFolder& references) {
  Items items;
  for (const auto& [name, path] : references.recordings) {
    const size_t bar = name.rfind('_');
    if (bar == std::string::npos || bar == 0) return {};
    const ParsedSource parsed = parse_source(name.substr(bar + 1));
    if (parsed.source.number < 0 || parsed.estimate) return {};
    if (!items[name.substr(0, bar)].emplace(parsed.source, path).second) return {};
  }
  const bool several = std::ranges::any_of(items, [](const auto& item) { return item.second.size() > 1; });
  return several ? items : Items{};
}

// An estimate in a flat folder belongs to the item x as x.wav, where it has one source, or as x_s1.wav, x_est1.wav,
// x_vocals.wav.
void add_flat(const std::string& name, const fs::path& path, const Items& references, Items& estimates) {
  if (const auto item = references.find(name); item != references.end()) {
    if (item->second.size() == 1) estimates[name] = {{item->second.begin()->first, path}};
    return;
  }
  for (size_t bar = name.rfind('_'); bar != std::string::npos && bar > 0; bar = name.rfind('_', bar - 1)) {
    const auto item = references.find(name.substr(0, bar));
    if (item == references.end()) continue;
    const SourceName source = parse_source(name.substr(bar + 1)).source;
    if (is_numbered(item->second) ? source.number < 0 : !item->second.contains(source)) continue;
    Sources& found = estimates[item->first];
    // x.wav counts alone.
    if (found.size() == 1 && found.begin()->second.stem() == item->first) return;
    if (const auto [other, added] = found.emplace(source, path); !added)
      throw_error<InputError>("{} and {} are both estimates of {} of {}", other->second.string(), path.string(),
                              source.text, item->first);
    return;
  }
}

Items estimates_of(const ScoreFolder& folder, const Items& references) {
  if (folder.layout != Layout::flat) return folder.items;
  Items items;
  for (const auto& [name, path] : folder.recordings) add_flat(name, path, references, items);
  return items;
}

// The estimates of an item's sources, and what has none.
struct Matched {
  ScoredFiles files;
  std::vector<std::string> missing;  // "x", "x s2", "x vocals"
};

// Each reference has its own name's estimate; sources that no item has estimates of are left out.
Matched match_by_name(const std::string& item, const Sources& references, const Sources& estimates,
                      const std::set<SourceName>& estimated) {
  Matched result{{.name = item, .matched = true}, {}};
  for (const auto& [source, path] : references) {
    if (!estimated.contains(source)) continue;
    const auto estimate = estimates.find(source);
    if (estimate == estimates.end()) {
      result.missing.push_back(fmt::format("{} {}", item, source.text));
      continue;
    }
    result.files.sources.push_back(source.text);
    result.files.references.push_back(path);
    result.files.estimates.push_back(estimate->second);
  }
  if (result.files.sources.empty() && result.missing.empty()) result.missing.push_back(item);
  return result;
}

// Any of the numbered estimates may belong to any reference.
Matched match_by_number(const std::string& item, const Sources& references, const Sources& estimates) {
  Matched result{{.name = item}, {}};
  for (const auto& [source, path] : references) {
    result.files.sources.push_back(source.text);
    result.files.references.push_back(path);
  }
  int next = estimates.empty() ? 1 : std::clamp(estimates.begin()->first.number, 0, 1);
  for (const auto& [source, path] : estimates) {
    if (source.number < 0) continue;
    if (source.number != next) {
      result.missing = {fmt::format("{} s{}", item, next)};
      return result;
    }
    result.files.estimates.push_back(path);
    ++next;
  }
  const size_t found = result.files.estimates.size();
  if (found == 0) result.missing = {item};
  else if (found < references.size()) result.missing = {fmt::format("{} ({} of {})", item, found, references.size())};
  return result;
}

// References x_s1.wav, x_s2.wav are items of their own where estimates have these names, else the sources of x.
Items references_of(const ScoreFolder& references, const ScoreFolder& estimates) {
  Items items = items_of(references);
  if (references.layout != Layout::flat) return items;
  const Items found = estimates_of(estimates, items);
  if (std::ranges::all_of(items, [&](const auto& item) { return found.contains(item.first); })) return items;
  Items numbered = numbered_items_of(references);
  return numbered.empty() ? items : numbered;
}

std::vector<ScoredFiles> match_all(const Items& references, const Items& estimates, const fs::path& reference_folder,
                                   const fs::path& estimate_folder) {
  std::set<SourceName> estimated;
  for (const auto& [item, sources] : estimates)
    for (const auto& [source, path] : sources) estimated.insert(source);
  std::vector<ScoredFiles> items;
  std::vector<std::string> missing;
  const Sources none;
  for (const auto& [item, sources] : references) {
    const auto found = estimates.find(item);
    const Sources& own = found == estimates.end() ? none : found->second;
    Matched matched = is_numbered(sources) ? match_by_number(item, sources, own)
                      : own.empty()        ? Matched{{}, {item}}
                                           : match_by_name(item, sources, own, estimated);
    missing.insert(missing.end(), matched.missing.begin(), matched.missing.end());
    items.push_back(std::move(matched.files));
  }
  if (!missing.empty())
    throw_error<InputError>("{}: expected estimates of all {} {} in {}, found none for {}: {}",
                            estimate_folder.string(), items.size(), items.size() == 1 ? "item" : "items",
                            reference_folder.string(), missing.size(), some_of(missing));
  return items;
}

// "2 recordings have no partner and are not scored: x.wav, y.wav"
void note_left(const fs::path& folder, const std::vector<std::string>& left, std::vector<std::string>& notes) {
  if (left.empty()) return;
  const bool one = left.size() == 1;
  notes.push_back(fmt::format("{}: {} {} no partner and {} not scored: {}", folder.string(), left.size(),
                              one ? "recording has" : "recordings have", one ? "is" : "are", some_of(left)));
}

// mixtures/x.wav, or mixtures/x/mixture.wav.
std::map<std::string, fs::path> read_mixtures(const fs::path& folder, const std::vector<ScoredFiles>& items,
                                              std::vector<std::string>& notes) {
  std::map<std::string, fs::path> mixtures;
  for (const auto& [name, path] : recordings_by_name(folder, true)) {
    const fs::path whole = name;
    mixtures.emplace(is_mixture_name(whole.filename().string()) ? whole.parent_path().generic_string() : name, path);
  }
  std::set<std::string> names;
  for (const ScoredFiles& item : items) names.insert(item.name);
  std::vector<std::string> left;
  for (const auto& [name, path] : mixtures)
    if (!names.contains(name) && path.parent_path() == folder) left.push_back(path.filename().string());
  note_left(folder, left, notes);
  return mixtures;
}

void add_mixtures(const fs::path& folder, const ScoreFolder& references, std::vector<ScoredFiles>& items,
                  std::vector<std::string>& notes) {
  const auto mixtures = folder.empty() ? references.mixtures : read_mixtures(folder, items, notes);
  std::vector<std::string> missing;
  for (const ScoredFiles& item : items)
    if (!mixtures.contains(item.name)) missing.push_back(item.name);
  if (!missing.empty() && !folder.empty())
    throw_error<InputError>("{}: expected a mixture of each of {} items, found none for {}: {}", folder.string(),
                            items.size(), missing.size(), some_of(missing));
  if (!missing.empty() && !mixtures.empty())
    notes.push_back(fmt::format("no mixture is used, as {} of {} items have none: {}", missing.size(), items.size(),
                                some_of(missing)));
  if (!missing.empty()) return;
  for (ScoredFiles& item : items) item.mixture = mixtures.at(item.name);
}

// Recordings of a folder that no item uses; `beside`: those that are left out as they should be.
void note_unused(const fs::path& folder, const ScoreFolder& found, const std::set<fs::path>& used,
                 const std::set<std::string>& beside, std::vector<std::string>& notes) {
  std::vector<std::string> left;
  for (const auto& [name, path] : found.recordings)
    if (!used.contains(path) && !beside.contains(name)) left.push_back(path.lexically_relative(folder).string());
  note_left(folder, left, notes);
  if (found.layout != Layout::flat) return;
  if (const size_t deeper = list_audio(folder, true).size() - list_audio(folder, false).size(); deeper > 0)
    notes.push_back(fmt::format("{}: {} in folders below {} not scored", folder.string(),
                                deeper == 1 ? "1 recording" : fmt::format("{} recordings", deeper),
                                deeper == 1 ? "is" : "are"));
}

// "2 sources in 57 items, 3 in 1: x"
void note_numbers(const fs::path& folder, const std::vector<ScoredFiles>& items, std::vector<std::string>& notes) {
  std::map<size_t, std::vector<std::string>> by_number;
  for (const ScoredFiles& item : items) by_number[item.sources.size()].push_back(item.name);
  if (by_number.size() < 2) return;
  std::vector<std::string> parts;
  for (const auto& [number, names] : by_number)
    parts.push_back(fmt::format("{} in {} ({})", number, names.size(), some_of(names)));
  notes.push_back(
      fmt::format("{}: items have different numbers of sources: {}", folder.string(), fmt::join(parts, ", ")));
}

}  // namespace

ScoreSet find_scored_files(const fs::path& references, const fs::path& estimates, const fs::path& mixtures) {
  const ScoreFolder given = read_score_folder(references, ScoreRole::references),
                    found = read_score_folder(estimates, ScoreRole::estimates, given.layout == Layout::by_source);
  const Items sources = references_of(given, found);
  if (sources.empty())
    throw_error<InputError>("{}: expected references (s1.wav, vocals.wav, ...), found mixtures and estimates alone",
                            references.string());
  ScoreSet set{match_all(sources, estimates_of(found, sources), references, estimates), {}};
  add_mixtures(mixtures, given, set.items, set.notes);

  std::set<fs::path> used;
  std::set<std::string> mixed;  // x.wav beside x_s1.wav is the mixture
  for (const ScoredFiles& item : set.items) {
    used.insert(item.references.begin(), item.references.end());
    used.insert(item.estimates.begin(), item.estimates.end());
    if (item.estimates.size() > 1) mixed.insert(item.name);
  }
  note_unused(references, given, used, {}, set.notes);
  note_unused(estimates, found, used, mixed, set.notes);
  note_numbers(references, set.items, set.notes);
  return set;
}

}  // namespace sunder
