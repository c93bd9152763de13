#include "audio/corpora/debian_voices.h"

#include <map>
#include <set>

#include "audio/listing.h"
#include "files/digest.h"
#include "files/text_file.h"
#include "tensor/error.h"

namespace sunder {
namespace {

// How voices were chosen (klettres-data 22.12.3, ktuberling-data 22.12.3, tuxpaint-stamps-default 2022.06.04):
// - No speech: in every voice kept, at least half of the loud frames (within 20 dB of the loudest) of the median
//   recording are voiced (normalised autocorrelation above 0.7 at 66 to 400 Hz). Tuxpaint's other sounds are effects.
// - Damaged: 24 of the 43 recordings of klettres tn decode to frames of more than full scale, up to 25 dB.
// - One person: two packages in one language whose recordings cannot be told apart, that is, the nearest centroid
//   (24 mel-spaced mean log powers of the loud frames, and log pitch, each scaled by its spread within voices; leave
//   one out) assigns at most 75 % of them to their own package: nds 64 %, de 68 %, uk 70 %, da (ktuberling and
//   tuxpaint) 74 %, pt 75 %. All other pairs of one language reach 79 to 100 %.
const std::map<std::string, std::string>& merged() {
  static const std::map<std::string, std::string> voices = {
      {"ktuberling-nds", "klettres-nds"}, {"ktuberling-de", "klettres-de"},    {"ktuberling-uk", "klettres-uk"},
      {"tuxpaint-da", "ktuberling-da"},   {"ktuberling-pt", "klettres-pt_BR"},
  };
  return voices;
}

// The variants of ktuberling sr hold the same recordings.
bool is_left_out(const std::string& voice) { return voice == "klettres-tn" || voice.starts_with("ktuberling-sr@"); }

// Women and men among the voices that are easiest to tell from all others: nearest-centroid accuracy of at least 72 %.
bool is_held_out(const std::string& voice) {
  static const std::set<std::string> voices = {"klettres-es",   "klettres-it",   "ktuberling-el", "ktuberling-gl",
                                               "ktuberling-sl", "ktuberling-wa", "ktuberling-fi"};
  return voices.contains(voice);
}

struct Package {
  std::string name;
  std::string folder;
};

// The language of a recording; empty if it is not speech. `path` is relative to the package's folder. The packages'
// copies in other formats (.opus) were not listened to.
std::string language(const Package& package, const std::string& path) {
  if (!path.ends_with(".ogg") && !path.ends_with(".wav")) return "";
  if (package.name != "tuxpaint") return path.find('/') == std::string::npos ? "" : path.substr(0, path.find('/'));
  const size_t mark = path.rfind("_desc_");
  if (mark == std::string::npos || path.ends_with(".wav")) return "";
  return path.substr(mark + 6, path.find('.', mark) - mark - 6);
}

}  // namespace

Corpus find_debian_voices(const std::filesystem::path& root) {
  const std::vector<Package> packages = {
      {"klettres", "klettres"}, {"ktuberling", "ktuberling/sounds"}, {"tuxpaint", "tuxpaint/stamps"}};
  Corpus corpus{root, {}};
  std::set<std::array<uint8_t, 20>> seen;
  for (const Package& package : packages) {
    if (std::error_code ignored; !std::filesystem::exists(root / package.folder, ignored) && !ignored) continue;
    for (const std::filesystem::path& file : list_audio(root / package.folder, true)) {
      const std::string path = file.string(), spoken = language(package, path);
      std::string voice = package.name + "-" + spoken;
      if (spoken.empty() || is_left_out(voice)) continue;
      const std::string full = package.folder + "/" + path;
      if (!seen.insert(sha1(read_text(root / full))).second) continue;
      if (const auto same = merged().find(voice); same != merged().end()) voice = same->second;
      const double percentage = hash_percentage(full);
      const Split split = is_held_out(voice) || percentage >= 90 ? Split::test
                          : percentage < 5                       ? Split::valid
                                                                 : Split::train;
      corpus.recordings.push_back(
          {.path = full, .speaker = voice, .label = std::filesystem::path(path).stem().string(), .split = split});
    }
  }
  if (corpus.recordings.empty())
    throw_error<InputError>(
        "{}: expected the recorded voices of the Debian packages klettres-data, ktuberling-data and "
        "tuxpaint-stamps-default, found none",
        root.string());
  return corpus;
}

}  // namespace sunder
