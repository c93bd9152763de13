#include "files/folder_exchange.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "files/atomic_file.h"
#include "files/digest.h"
#include "files/folder_record.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

constexpr size_t longest_name = 200;  // of which hidden names are made: 255 bytes are a name's limit

[[noreturn]] void fail(const fs::path& place, int reason) {
  throw_error("{}: cannot be written: {}", place.string(), std::strerror(reason));
}

bool is_there(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

bool remove_tree(const fs::path& path) {
  std::error_code failure;
  fs::remove_all(path, failure);
  return !failure;
}

bool move(const fs::path& from, const fs::path& to) { return ::rename(from.c_str(), to.c_str()) == 0; }

bool exchange(const fs::path& a, const fs::path& b) {
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

fs::path old_inside(const fs::path& place) { return place / ".sunder.old"; }
fs::path new_inside(const fs::path& place) { return place / ".sunder.new"; }

// Entries in the order in which they are moved in: folders, then files backwards (the lists of mixtures before
// set.toml), the record last. Without that of it, the folder is not whole.
std::vector<std::string> entries_of(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failure, ignored;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
    if (!does_not_count(*entry)) names.push_back(entry->path().filename().native());
  if (failure) fail(folder, failure.value());
  const auto rank = [&](const std::string& name) {
    if (name == folder_record_name) return 2;
    return fs::is_directory(fs::symlink_status(folder / name, ignored)) ? 0 : 1;
  };
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    const int rank_a = rank(a), rank_b = rank(b);
    return rank_a != rank_b ? rank_a < rank_b : a > b;
  });
  return names;
}

void move_entries(const fs::path& from, const fs::path& to, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (is_there(to / name)) fail(to / name, EEXIST);
    if (!move(from / name, to / name)) fail(to / name, errno);
  }
}

// From here on the new folder is the one that is completed.
void finish_inside(const fs::path& place) {
  move_entries(new_inside(place), place, entries_of(new_inside(place)));
  if (::rmdir(new_inside(place).c_str()) != 0) fail(place, errno);
  sync_folder(place);
  remove_tree(old_inside(place));
}

// Runs the steps; where one fails, undoes what was done.
template <class Steps, class Undo>
void undo_unless_done(const Steps& steps, const Undo& undo) {
  try {
    steps();
  } catch (const Error&) {
    undo();
    throw;
  }
}

}  // namespace

fs::path beside(const fs::path& place, const char* what) {
  std::string name = place.filename().native();
  if (name.size() > longest_name) name = fmt::format("{:02x}", fmt::join(sha1(name), ""));
  return place.parent_path() / fmt::format(".{}.sunder-{}", name, what);
}

fs::path part_inside(const fs::path& place) { return place / ".sunder.part"; }

void recover_beside(const fs::path& place) {
  std::error_code ignored;
  // The second name is that of versions before the lock.
  for (const fs::path& old :
       {beside(place, "old"), place.parent_path() / fmt::format(".{}.old", place.filename().native())}) {
    if (!is_there(old)) continue;
    // Killed between setting the old folder aside and putting the new one in its place.
    const bool gone = !is_there(place) || (fs::is_directory(place, ignored) && is_empty_folder(place));
    if (gone && !move(old, place)) throw_error("{}: cannot be restored: {}", place.string(), std::strerror(errno));
    if (!gone && old == beside(place, "old") && has_folder_record(place)) remove_tree(old);
  }
  const fs::path part = beside(place, "part");
  remove_tree(part);
  if (is_there(part)) throw_error("{}: left by a process that was killed, cannot be removed", part.string());
}

void recover_inside(const fs::path& place) {
  const fs::path old = old_inside(place);
  if (is_there(new_inside(place))) {
    finish_inside(place);
  } else if (is_there(old)) {
    // With its record the folder is whole: the new one, or the old one of which nothing was moved yet.
    if (!has_folder_record(place)) move_entries(old, place, entries_of(old));
    remove_tree(old);
  }
  remove_tree(part_inside(place));
}

void put_beside(const fs::path& place, bool replaces) {
  const fs::path part = beside(place, "part"), old = beside(place, "old"), parent = place.parent_path();
  const auto give_up = [&] {
    const int reason = errno;
    remove_tree(part);
    fail(place, reason);
  };
  struct stat before {};
  if (!replaces) {
    if (!move(part, place)) give_up();
    undo_unless_done([&] { sync_folder(parent); }, [&] { return move(place, part) && remove_tree(part); });
    return;
  }
  if (::stat(place.c_str(), &before) == 0) {
    [[maybe_unused]] const int ignored = ::chown(part.c_str(), before.st_uid, before.st_gid);
    ::chmod(part.c_str(), before.st_mode & 07777);
  }
  if (exchange(part, place)) {
    undo_unless_done([&] { sync_folder(parent); }, [&] { return exchange(part, place) && remove_tree(part); });
  } else {
    if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) give_up();
    // The file system cannot exchange: for a moment neither is there (recover_beside).
    if (!move(place, old)) give_up();
    if (!move(part, place)) {
      const int reason = errno;
      move(old, place);
      errno = reason;
      give_up();
    }
    undo_unless_done([&] { sync_folder(parent); },
                     [&] { return move(place, part) && move(old, place) && remove_tree(part); });
    move(old, part);
  }
  remove_tree(part);
}

void put_inside(const fs::path& place) {
  const std::vector<std::string> names = entries_of(place);
  undo_unless_done(
      [&] {
        if (!names.empty()) {
          if (::mkdir(old_inside(place).c_str(), 0777) != 0) fail(place, errno);
          move_entries(place, old_inside(place), {names.rbegin(), names.rend()});  // the record first
          sync_folder(old_inside(place));
        }
        sync_folder(place);
        if (!move(part_inside(place), new_inside(place))) fail(place, errno);
      },
      [&] { recover_inside(place); });
  finish_inside(place);
}

}  // namespace sunder
