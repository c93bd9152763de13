#include <fstream>
#include <set>

#include "audio/sets/mixture_list.h"
#include "programs/prepare_options.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

// All that `prepare sc09mix` and `voices` write into a set.
std::set<fs::path> files_of_list_set(const fs::path& folder) {
  const SetConfig config = read_set_config(folder / "set.toml");
  std::set<fs::path> files = {"set.toml"};
  for (const Split split : all_splits) {
    const std::string name = split_name(split);
    files.insert(name + ".csv");
    const fs::path list = folder / (name + ".csv");
    std::error_code ignored;
    // The list of a split without mixtures is a header alone, which is not read.
    if (!fs::is_directory(folder / name, ignored)) continue;
    for (const ListedMixture& mixture : read_mixture_list(list, config)) {
      files.insert(fs::path(name) / "mix" / (mixture.id + ".wav"));
      for (int s = 1; s <= config.num_sources; ++s)
        files.insert(fs::path(name) / fmt::format("s{}", s) / (mixture.id + ".wav"));
    }
  }
  return files;
}

// sms_wsj.json as `prepare rooms` writes it, one line an example; SMS-WSJ's own scripts format it otherwise.
bool is_room_list(const fs::path& list) {
  constexpr std::string_view begin = "{\"datasets\": {\n\"", end = "\n}}\n";
  if (!fs::is_regular_file(list)) return false;
  std::ifstream file(list, std::ios::binary);
  std::string first(begin.size(), ' '), last(end.size(), ' ');
  file.read(first.data(), static_cast<std::streamsize>(first.size()));
  file.seekg(-static_cast<std::streamoff>(end.size()), std::ios::end);
  file.read(last.data(), static_cast<std::streamsize>(last.size()));
  return file && first == begin && last == end;
}

// signal/set/*.wav, or rirs/set/index/h_*.wav.
bool is_room_file(const fs::path& file) {
  static const std::set<fs::path> signals = {"observation",   "noise",          "early",    "tail",
                                             "speech_source", "ct_observation", "ct_noise", "ct_early",
                                             "ct_tail",       "sources",        "rirs",     "ct_rirs"};
  static const std::set<fs::path> sets = {"train_si284", "cv_dev93", "test_eval92"};
  const auto depth = std::distance(file.begin(), file.end());
  return (depth == 3 || depth == 4) && signals.contains(*file.begin()) && sets.contains(*std::next(file.begin())) &&
         file.extension() == ".wav";
}

}  // namespace

bool is_older_output(const fs::path& folder) {
  try {
    const bool rooms = fs::exists(folder / "sms_wsj.json");
    if (rooms ? !is_room_list(folder / "sms_wsj.json") : !fs::exists(folder / "set.toml")) return false;
    const std::set<fs::path> listed = rooms ? std::set<fs::path>{"sms_wsj.json"} : files_of_list_set(folder);
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_directory() && !entry.is_symlink()) continue;
      const fs::path file = entry.path().lexically_relative(folder);
      if (!listed.contains(file) && !(rooms && is_room_file(file))) return false;
    }
    return true;
  } catch (const Error&) {
    return false;
  } catch (const fs::filesystem_error&) {
    return false;
  }
}

}  // namespace sunder
