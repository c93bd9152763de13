// How recordings of separated sources are laid out in a folder.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sunder {

// Numbered sources come in any order, and estimates are matched to them; others are what their names say.
struct SourceName {
  int number = -1;   // of s1, spk1, est1, ...; -1: none
  std::string text;  // "s1", "vocals"

  auto operator<=>(const SourceName&) const = default;
};

// "s1", "spk1", "source1" with "_estimate" or "_est" behind it, and "est1" or "estimate1", are numbered. `estimate`:
// whether the name says that it is one.
struct ParsedSource {
  SourceName source;
  bool estimate = false;
};
ParsedSource parse_source(const std::string& name);
bool is_mixture_name(const std::string& name);  // "mixture", "mix", "noisy"

enum class Layout {
  flat,       // x.wav
  by_source,  // s1/x.wav, s2/x.wav, or vocals/x.wav, drums/x.wav
  by_item,    // x/s1.wav, x/s2.wav, or x/vocals.wav, x/drums.wav; x/mixture.wav beside them
};

enum class ScoreRole { references, estimates };

struct ScoreFolder {
  Layout layout = Layout::flat;
  std::map<std::string, std::map<SourceName, std::filesystem::path>> items;  // by_source and by_item
  std::map<std::string, std::filesystem::path> mixtures;                     // by_item, by the item
  std::map<std::string, std::filesystem::path> recordings;  // all but the mixtures, by their path without the kind
};

// Reads recordings of all kinds (audio/listing.h). An item's name is its path below the folder (below s1, s2, ...)
// without the kind. In a folder by_item, what is marked as an estimate (s1_estimate.wav, est1.wav) is none of the
// references, and where something is so marked, the rest is none of the estimates; beside numbered sources no others
// are taken. Throws InputError for a folder without recordings, two of one name ("x.wav", "x.flac"), numbers with a
// hole and more than score_most_sources sources of an item. `plain_numbers`: folders 1, 2, ... of items are those of
// sources (ESPnet).
ScoreFolder read_score_folder(const std::filesystem::path& folder, ScoreRole role, bool plain_numbers = false);

// Recordings below a folder by their path without the kind. Throws as read_score_folder.
std::map<std::string, std::filesystem::path> recordings_by_name(const std::filesystem::path& folder, bool recursive);

inline constexpr size_t score_most_sources = 32;

}  // namespace sunder
