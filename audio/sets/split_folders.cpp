#include "audio/sets/split_folders.h"

#include <fmt/format.h>

namespace sunder {

namespace fs = std::filesystem;

std::vector<fs::path> split_folders(const fs::path& root, Split split) {
  static const std::vector<std::string> names[] = {
      {"train-360", "train-100", "train", "tr"}, {"dev", "valid", "val", "cv"}, {"test", "tt"}};
  std::vector<fs::path> folders;
  std::error_code unreadable;  // the listing that follows says what is wrong with it
  for (const char* base : {"wav8k/min", "wav8k/max", "wav16k/min", "wav16k/max", ""})
    for (const std::string& name : names[static_cast<int>(split)])
      if (fs::is_directory(root / base / name, unreadable)) folders.push_back(root / base / name);
  return folders;
}

namespace {

fs::path first_folder(const fs::path& in, const std::vector<std::string>& names) {
  std::error_code unreadable;  // the listing that follows says what is wrong with it
  for (const std::string& name : names)
    if (fs::is_directory(in / name, unreadable)) return in / name;
  return {};
}

}  // namespace

const std::vector<std::string>& mixture_kinds() {
  static const std::vector<std::string> kinds = {"auto",         "clean",         "both",       "clean_anechoic",
                                                 "clean_reverb", "both_anechoic", "both_reverb"};
  return kinds;
}

bool is_noisy(const std::string& mixture_kind) { return mixture_kind.starts_with("both"); }

fs::path mixture_folder(const fs::path& split_folder, const std::string& mixture_kind) {
  if (mixture_kind != "auto") return first_folder(split_folder, {fmt::format("mix_{}", mixture_kind)});
  return first_folder(split_folder, {"mix_clean", "mix_clean_anechoic", "mix", "mix_both", "mix_both_anechoic"});
}

fs::path source_folder(const fs::path& split_folder, int s) {
  const std::string name = fmt::format("s{}", s);
  return first_folder(split_folder, {name, name + "_anechoic"});
}

}  // namespace sunder
