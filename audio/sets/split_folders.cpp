#include "audio/sets/split_folders.h"

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

}  // namespace sunder
