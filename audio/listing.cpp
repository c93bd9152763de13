#include "audio/listing.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "files/system_error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// Hidden (.git, .Trash-1000, .ipynb_checkpoints), or what ext4, Windows, Synology and macOS put on a disk.
bool is_no_data(std::string_view name) {
  static constexpr std::array<std::string_view, 5> added = {"lost+found", "$RECYCLE.BIN", "System Volume Information",
                                                            "@eaDir", "__MACOSX"};
  return name.starts_with('.') || std::find(added.begin(), added.end(), name) != added.end();
}

std::vector<std::string> names_in(const fs::path& folder) {
  require_folder(folder);
  const std::unique_ptr<DIR, CloseFolder> opened(::opendir(folder.c_str()));
  if (!opened) throw_system_error(folder, "the folder cannot be read", errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(opened.get()))
    if (!is_no_data(entry->d_name)) names.emplace_back(entry->d_name);
  if (errno != 0) throw_system_error(folder, "the folder cannot be read", errno);
  std::sort(names.begin(), names.end());
  return names;
}

class Listing {
 public:
  Listing(const fs::path& root, bool recursive) : root_(root), recursive_(recursive) {
    add_folder({});
    // Behind all folders: one that stands in the tree too keeps its own name.
    while (!links_.empty())
      for (const fs::path& link : std::exchange(links_, {})) add_folder(link);
    std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  }

  std::vector<fs::path> found;

 private:
  void add_folder(const fs::path& folder) {
    const fs::path path = folder.empty() ? root_ : root_ / folder;
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && !seen_.emplace(status.st_dev, status.st_ino).second) return;
    for (const std::string& name : names_in(path)) add(folder / name);
  }

  void add(const fs::path& entry) {
    struct stat own {
    }, target{};
    if (::lstat((root_ / entry).c_str(), &own) != 0) return;  // removed meanwhile
    const bool link = S_ISLNK(own.st_mode), gone = ::stat((root_ / entry).c_str(), &target) != 0;
    if (!gone && S_ISDIR(target.st_mode)) {
      if (recursive_ && link) links_.push_back(entry);
      else if (recursive_) add_folder(entry);
    } else if ((gone || S_ISREG(target.st_mode)) && has_audio_name(entry)) {
      found.push_back(entry);
    }
  }

  const fs::path root_;
  const bool recursive_;
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::vector<fs::path> links_;
};

}  // namespace

void require_folder(const fs::path& folder) {
  struct stat status {};
  const bool there = ::stat(folder.c_str(), &status) == 0;
  if (!there && errno == ENOENT) throw_error<InputError>("{}: no such folder", folder.string());
  if (!there) throw_system_error(folder, "the folder cannot be read", errno);
  if (!S_ISDIR(status.st_mode)) throw_error<InputError>("{}: expected a folder, got a file", folder.string());
}

bool has_audio_name(const fs::path& path) {
  static constexpr std::array<std::string_view, 16> kinds = {".wav",  ".wave", ".bwf",  ".rf64", ".w64", ".flac",
                                                             ".ogg",  ".oga",  ".opus", ".mp3",  ".aif", ".aiff",
                                                             ".aifc", ".au",   ".snd",  ".caf"};
  std::string kind = path.extension().string();
  std::transform(kind.begin(), kind.end(), kind.begin(), [](unsigned char c) { return std::tolower(c); });
  return !path.filename().native().starts_with('.') && std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

const char* audio_names() { return ".wav, .flac, .ogg, .opus, .mp3, .aiff, .au, .caf, .w64"; }

std::vector<fs::path> list_audio(const fs::path& folder, bool recursive) {
  return std::move(Listing(folder, recursive).found);
}

}  // namespace sunder
