#include "files/folder_record.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <system_error>
#include <vector>

#include "files/atomic_file.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view rule = "This folder may be replaced as long as it holds only these files:";

dev_t device_of(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_dev : 0;
}

struct Contents {
  std::vector<std::string> files;  // relative paths of all that is no folder, without the record
  std::string mount;               // a folder on another device
};

// Links are not followed. Throws fs::filesystem_error.
Contents contents_of(const fs::path& folder) {
  Contents contents;
  const dev_t device = device_of(folder);
  for (fs::recursive_directory_iterator entry(folder), end; entry != end; ++entry) {
    const bool top = entry.depth() == 0;
    if (entry->is_symlink() || !entry->is_directory()) {
      if (top && entry->path().filename() == folder_record_name) continue;
      contents.files.push_back(entry->path().lexically_relative(folder).native());
    } else if (top && does_not_count(*entry)) {
      entry.disable_recursion_pending();
    } else if (device_of(entry->path()) != device) {
      contents.mount = entry->path().lexically_relative(folder).native();
      entry.disable_recursion_pending();
    }
  }
  std::sort(contents.files.begin(), contents.files.end());
  return contents;
}

}  // namespace

void write_folder_record(const fs::path& folder, const std::string& maker) {
  std::string text = fmt::format("Made by {}.\n{}\n", maker, rule);
  try {
    for (const std::string& file : contents_of(folder).files) text += file + "\n";
  } catch (const fs::filesystem_error& error) {
    // An iterator that cannot go on names no file.
    const fs::path& path = error.path1().empty() ? folder : error.path1();
    throw_error("{}: cannot be read: {}", path.string(), error.code().message());
  }
  write_file(folder / folder_record_name, text);
}

bool has_folder_record(const fs::path& folder) {
  std::error_code ignored;
  const fs::path record = folder / folder_record_name;
  if (!fs::is_regular_file(fs::symlink_status(record, ignored))) return false;
  std::ifstream file(record, std::ios::binary);
  std::string maker, said;
  return std::getline(file, maker) && std::getline(file, said) && said == rule;
}

std::string reason_to_keep(const fs::path& folder, const OlderFolder& older) {
  const bool recorded = has_folder_record(folder);
  if (!recorded && !(older && older(folder))) return "was not made by Sunder";
  std::set<std::string> known;
  std::ifstream record;
  if (recorded) record.open(folder / folder_record_name, std::ios::binary);
  for (std::string line; std::getline(record, line);) known.insert(line);
  try {
    const Contents contents = contents_of(folder);
    if (!contents.mount.empty()) return fmt::format("holds the mount point {}", contents.mount);
    for (const std::string& file : contents.files)
      if (recorded && !known.contains(file)) return fmt::format("holds {}, which was added later", file);
  } catch (const fs::filesystem_error& error) {
    return fmt::format("cannot be read: {}", error.code().message());
  }
  return "";
}

bool does_not_count(const fs::directory_entry& entry) {
  std::error_code ignored;
  if (entry.is_symlink(ignored) || !entry.is_directory(ignored)) return false;
  if (entry.path().filename() == "lost+found") {
    std::error_code failure;
    return fs::is_empty(entry.path(), failure) || failure;  // only root can read it
  }
  for (const char* name : {".sunder.part", ".sunder.new", ".sunder.old"})
    if (entry.path().filename() == name) return true;
  return false;
}

bool is_empty_folder(const fs::path& folder) {
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
    if (!does_not_count(*entry)) return false;
  return !failure;
}

}  // namespace sunder
