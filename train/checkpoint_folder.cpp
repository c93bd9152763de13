#include "train/checkpoint_folder.h"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "files/read_file.h"
#include "train/manifest.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

constexpr size_t kept_checkpoints = 2;  // besides those that are pointed to

// Hidden names: a checkpoint that is being written, one that was replaced, one that is being removed.
constexpr const char *unfinished = ".new-", *replaced = ".old-", *doomed = ".gone-";

constexpr const char* pointers[] = {"last", "best"};

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> result;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    result.push_back(entry->path());
  if (error && error.value() != ENOENT && error.value() != ENOTDIR) throw ReadError(folder, error.value());
  return result;
}

// The step of ".old-step-00001200", with that prefix.
std::optional<int64_t> step_behind(const std::string& prefix, const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(prefix) ? step_of_name(name.substr(prefix.size())) : std::nullopt;
}

// A folder, not a link to one.
bool is_own_folder(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (error && status.type() != fs::file_type::not_found) throw ReadError(path, error.value());
  return fs::is_directory(status);
}

bool is_there(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::none) throw ReadError(path, error.value());
  return fs::exists(status);
}

int64_t step_of_manifest(const fs::path& folder) {
  try {
    return read_manifest(folder).step;
  } catch (const ModelError&) {
    return -1;
  }
}

void remove_leftovers(const fs::path& folder) {
  for (const fs::path& path : entries(folder)) {
    bool ours = step_behind(unfinished, path) || step_behind(replaced, path) || step_behind(doomed, path);
    for (const char* name : pointers) ours |= path == unfinished_pointer(folder / name);
    if (ours) fs::remove_all(path);
  }
}

// Renamed first, so that no reader sees a partly removed checkpoint.
void remove_checkpoint(const fs::path& place) {
  const fs::path hidden = place.parent_path() / (doomed + place.filename().string());
  fs::remove_all(hidden);
  fs::rename(place, hidden);
  fs::remove_all(hidden);
}

}  // namespace

std::vector<StoredCheckpoint> list_checkpoints(const fs::path& folder) {
  std::vector<StoredCheckpoint> found, hidden;
  for (const fs::path& path : entries(folder)) {
    if (const auto step = step_of_name(path.filename().string())) found.push_back({*step, path});
    else if (const auto old = step_behind(replaced, path)) hidden.push_back({*old, path});
  }
  for (const char* name : pointers)
    if (is_own_folder(folder / name)) hidden.push_back({step_of_manifest(folder / name), folder / name});
  for (const StoredCheckpoint& other : hidden)
    if (std::none_of(found.begin(), found.end(), [&](const auto& known) { return known.step == other.step; }))
      found.push_back(other);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.step > b.step; });
  return found;
}

fs::path free_name(const fs::path& folder, const std::string& name) {
  fs::path result = folder / name;
  for (int number = 2; is_there(result); ++number) result = folder / fmt::format("{}-{}", name, number);
  return result;
}

void settle(const fs::path& folder, MakeLink make_link) {
  for (const StoredCheckpoint& stored : list_checkpoints(folder))
    if (step_behind(replaced, stored.path)) fs::rename(stored.path, folder / step_name(stored.step));
  for (const char* name : pointers) {
    const fs::path pointer = folder / name;
    if (!is_own_folder(pointer)) continue;
    const int64_t step = step_of_manifest(pointer);
    const bool is_copy = step < 0 || is_there(folder / step_name(step));
    fs::rename(pointer, is_copy ? free_name(folder, std::string("copy-of-") + name) : folder / step_name(step));
    if (step >= 0) write_pointer(pointer, step_name(step), make_link);
  }
  remove_leftovers(folder);
}

fs::path unfinished_checkpoint(const fs::path& folder, int64_t step) { return folder / (unfinished + step_name(step)); }

void put_in_place(const fs::path& folder, int64_t step) {
  const fs::path finished = unfinished_checkpoint(folder, step), place = folder / step_name(step);
  if (!is_there(place)) return fs::rename(finished, place);
  if (::renameat2(AT_FDCWD, finished.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) == 0) return;
  const fs::path old = folder / (replaced + step_name(step));  // the file system has no RENAME_EXCHANGE
  fs::remove_all(old);
  fs::rename(place, old);
  fs::rename(finished, place);
}

void prune(const fs::path& folder) {
  std::vector<StoredCheckpoint> stored;
  std::set<fs::path> pointed;
  try {
    stored = list_checkpoints(folder);
    stored.erase(stored.begin(), stored.begin() + static_cast<ptrdiff_t>(std::min(kept_checkpoints, stored.size())));
    for (const char* name : pointers)
      if (const auto target = pointed_folder(folder / name)) pointed.insert(*target);
    std::erase_if(stored, [&](const auto& each) {
      const auto place = pointed_folder(each.path);
      return !place || pointed.contains(*place);
    });
  } catch (const ReadError&) {
    return;
  }
  for (const StoredCheckpoint& old : stored) remove_checkpoint(old.path);
}

}  // namespace sunder
