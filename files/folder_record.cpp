#include "files/folder_record.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <system_error>
#include <vector>

#include "files/atomic_file.h"
#include "files/crc32c.h"
#include "files/read_file.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view rule = "This folder may be replaced as long as it holds only these files, unchanged:";
constexpr uintmax_t summed_bytes = 1 << 20;  // of a file at most, to be read at every look

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

// Size and checksum of a file, the size alone of large ones. Throws fs::filesystem_error and ReadError.
std::string stamp_of(const fs::path& file) {
  const fs::file_status status = fs::symlink_status(file);
  if (!fs::is_regular_file(status)) return fs::is_symlink(status) ? "link" : "special";
  const uintmax_t size = fs::file_size(file);
  return size > summed_bytes ? fmt::format("{}", size) : fmt::format("{}:{:08x}", size, crc32c(read_file(file)));
}

}  // namespace

void write_folder_record(const fs::path& folder, const std::string& maker) {
  std::string text = fmt::format("Made by {}.\n{}\n", maker, rule);
  try {
    for (const std::string& file : contents_of(folder).files)
      text += fmt::format("{} {}\n", stamp_of(folder / file), file);
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
  std::map<std::string, std::string> known;  // stamps
  std::ifstream record;
  if (recorded) record.open(folder / folder_record_name, std::ios::binary);
  for (std::string line; std::getline(record, line);)
    if (const size_t space = line.find(' '); space != std::string::npos)
      known[line.substr(space + 1)] = line.substr(0, space);
  try {
    const Contents contents = contents_of(folder);
    if (!contents.mount.empty()) return fmt::format("holds the mount point {}", contents.mount);
    for (const std::string& file : contents.files) {
      if (!recorded) break;
      const auto stamp = known.find(file);
      if (stamp == known.end()) return fmt::format("holds {}, which was added later", file);
      if (stamp->second != stamp_of(folder / file)) return fmt::format("holds {}, which was changed since", file);
    }
  } catch (const fs::filesystem_error& error) {
    return fmt::format("cannot be read: {}", error.code().message());
  } catch (const ReadError& error) {
    return fmt::format("cannot be read: {}", error.what());
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
