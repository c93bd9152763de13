#include "evaluate/score_layout.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string_view>

#include "audio/listing.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 3> source_words = {"s", "spk", "source"};
constexpr std::array<std::string_view, 1> no_word = {""};
constexpr std::array<std::string_view, 2> estimate_words = {"est", "estimate"};
constexpr std::array<std::string_view, 3> mixture_names = {"mixture", "mix", "noisy"};
// Folders of these names hold one source each; those of other names hold one item each.
constexpr std::array<std::string_view, 16> stem_names = {
    "vocals", "drums", "bass",  "other", "accompaniment", "instrumental", "piano",     "guitar",
    "speech", "noise", "music", "sfx",   "effects",       "background",   "no_vocals", "clean"};

bool is_one_of(std::string_view name, Names known) {
  return std::find(known.begin(), known.end(), name) != known.end();
}

std::string lower_case(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

// 12 of "spk12" or "spk_12"; -1 of anything else.
int number_behind(std::string_view name, Names words) {
  for (const std::string_view word : words) {
    if (!name.starts_with(word)) continue;
    std::string_view digits = name.substr(word.size());
    if (digits.starts_with('_')) digits.remove_prefix(1);
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc() && end == digits.data() + digits.size() && digits[0] != '-') return number;
  }
  return -1;
}

SourceName numbered(int number) { return {number, fmt::format("s{}", number)}; }

[[noreturn]] void throw_twice(const fs::path& folder, const fs::path& first, const fs::path& second) {
  throw_error<InputError>("{}: {} and {} have one name; leave one of them there", folder.string(), first.string(),
                          second.string());
}

struct SourceFolder {
  fs::path name;
  SourceName source;
};

// Whether a folder with a number as its name holds items rather than the sources of one.
bool holds_items(const fs::path& folder) {
  const auto files = list_audio(folder, false);
  return std::any_of(files.begin(), files.end(),
                     [](const fs::path& file) { return parse_source(file.stem().string()).source.number < 0; });
}

// Those of numbered sources, else those with the names of stems unless there are recordings beside them; none in other
// layouts.
std::vector<SourceFolder> source_folders(const fs::path& folder, bool flat, bool plain_numbers) {
  std::vector<SourceFolder> numbers, stems;
  bool others = false;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path name = entry.path().filename();
    if (!entry.is_directory() || name.native().starts_with('.')) continue;
    const std::string plain = lower_case(name.string());
    int number = number_behind(name.string(), source_words);
    if (number < 0 && plain_numbers && holds_items(entry.path())) number = number_behind(plain, no_word);
    if (number >= 0) numbers.push_back({name, numbered(number)});
    else if (is_one_of(plain, stem_names)) stems.push_back({name, {-1, name.string()}});
    else others = others || !is_mixture_name(plain);
  }
  std::vector<SourceFolder>& found = numbers.empty() ? stems : numbers;
  if (numbers.empty() && (others || flat)) return {};
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.source < b.source; });
  for (size_t i = 0; i + 1 < found.size(); ++i)
    if (found[i].source == found[i + 1].source) throw_twice(folder, found[i].name, found[i + 1].name);
  return std::move(found);
}

void read_by_source(const fs::path& folder, const std::vector<SourceFolder>& sources, ScoreFolder& result) {
  for (const SourceFolder& own : sources) {
    for (const auto& [name, path] : recordings_by_name(folder / own.name, true)) {
      result.items[name].emplace(own.source, path);
      result.recordings.emplace((own.name / name).generic_string(), path);
    }
  }
}

// What of an item's recordings are its sources.
struct ItemFiles {
  std::map<SourceName, fs::path> plain, estimates;
};

void read_by_item(const fs::path& folder, ScoreRole role, ScoreFolder& result) {
  std::map<std::string, ItemFiles> items;
  for (const auto& [name, path] : result.recordings) {
    const fs::path file = fs::path(name).filename();
    const std::string item = fs::path(name).parent_path().generic_string();
    if (is_mixture_name(file.string())) {
      if (const auto [other, added] = result.mixtures.emplace(item, path); !added)
        throw_twice(folder, other->second.lexically_relative(folder), path.lexically_relative(folder));
      continue;
    }
    const ParsedSource parsed = parse_source(file.string());
    auto& files = parsed.estimate ? items[item].estimates : items[item].plain;
    if (const auto [other, added] = files.emplace(parsed.source, path); !added)
      throw_twice(folder, other->second.lexically_relative(folder), path.lexically_relative(folder));
  }
  std::map<std::string, fs::path> in_role;
  const auto keep = [&](std::map<SourceName, fs::path>& files, const std::string& item) {
    for (const auto& [source, path] : files)
      in_role.emplace(path.lexically_relative(folder).replace_extension().generic_string(), path);
    const bool numbers = std::any_of(files.begin(), files.end(), [](const auto& f) { return f.first.number >= 0; });
    if (numbers) std::erase_if(files, [](const auto& file) { return file.first.number < 0; });
    if (files.size() > score_most_sources)
      throw_error<InputError>(
          "{}: expected the sources of one item, at most {}, found {} recordings; of one source they stand in a folder "
          "s1, s2, ...",
          (folder / item).string(), score_most_sources, files.size());
    if (!files.empty()) result.items.emplace(item, std::move(files));
  };
  for (auto& [item, files] : items)
    keep(role == ScoreRole::estimates && !files.estimates.empty() ? files.estimates : files.plain, item);
  result.recordings = std::move(in_role);
}

// Numbers begin with 0 or 1 and have no hole.
void check_numbers(const fs::path& folder, const ScoreFolder& found) {
  for (const auto& [item, files] : found.items) {
    const int first = files.begin()->first.number;
    int next = first == 0 ? 0 : 1;
    for (const auto& [source, path] : files) {
      if (source.number < 0) break;
      if (source.number != next)
        throw_error<InputError>("{}: {} has a recording of s{} ({}) and none of s{}", folder.string(), item,
                                source.number, path.string(), next);
      ++next;
    }
  }
}

}  // namespace

bool is_mixture_name(const std::string& name) { return is_one_of(lower_case(name), mixture_names); }

ParsedSource parse_source(const std::string& name) {
  ParsedSource parsed{{-1, name}};
  for (const char* mark : {"_estimate", "_est"}) {
    if (parsed.estimate || !name.ends_with(mark)) continue;
    parsed.source.text.resize(name.size() - std::string_view(mark).size());
    parsed.estimate = true;
  }
  const std::string& text = parsed.source.text;
  int number = number_behind(text, source_words);
  if (number < 0 && !parsed.estimate) {
    number = number_behind(text, estimate_words);
    parsed.estimate = number >= 0;
  }
  if (number >= 0) parsed.source = numbered(number);
  return parsed;
}

std::map<std::string, fs::path> recordings_by_name(const fs::path& folder, bool recursive) {
  std::map<std::string, fs::path> found;
  for (const fs::path& file : list_audio(folder, recursive)) {
    const auto [other, added] = found.emplace(fs::path(file).replace_extension().generic_string(), folder / file);
    if (!added) throw_twice(folder, other->second.lexically_relative(folder), file);
  }
  if (found.empty())
    throw_error<InputError>("{}: expected recordings ({}), found none", folder.string(), audio_names());
  return found;
}

ScoreFolder read_score_folder(const fs::path& folder, ScoreRole role, bool plain_numbers) {
  ScoreFolder result;
  // Throws for a folder that is missing or cannot be read.
  const bool flat = !list_audio(folder, false).empty();
  if (const auto sources = source_folders(folder, flat, plain_numbers); !sources.empty()) {
    result.layout = Layout::by_source;
    read_by_source(folder, sources, result);
  } else if (flat) {
    result.recordings = recordings_by_name(folder, false);
  } else {
    result.layout = Layout::by_item;
    result.recordings = recordings_by_name(folder, true);
    read_by_item(folder, role, result);
  }
  check_numbers(folder, result);
  return result;
}

}  // namespace sunder
