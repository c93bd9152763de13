#include "files/output_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "files/folder_exchange.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

constexpr const char* elsewhere = "choose another folder";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

// Whether `inner`, an absolute path without links, is `outer` or lies in it.
bool lies_in(fs::path inner, const fs::path& outer) {
  std::error_code ignored;
  while (!fs::equivalent(inner, outer, ignored)) {
    const fs::path parent = inner.parent_path();
    if (parent == inner) return false;
    inner = parent;
  }
  return true;
}

// Also of a folder that is a disk's own root, or bound to a place.
bool system_says_mount_point(const fs::path& folder) {
  struct stat here {
  }, above{};
  if (::stat(folder.c_str(), &here) == 0 && ::stat((folder / "..").c_str(), &above) == 0 && here.st_dev != above.st_dev)
    return true;
  struct statx more {};
  return ::statx(AT_FDCWD, folder.c_str(), 0, STATX_BASIC_STATS, &more) == 0 &&
         (more.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

[[noreturn]] void fail_in_use(const fs::path& output) {
  throw_error<UsageError>("{}: another process is writing this folder", output.string());
}

}  // namespace

OutputFolder::OutputFolder(const fs::path& output, OutputRules rules) : rules_(std::move(rules)) {
  if (output.empty()) throw UsageError("expected a folder to write, got an empty name");
  std::error_code failure, ignored;
  fs::path named = fs::absolute(output);
  if (!named.has_filename() && named.has_relative_path()) named = named.parent_path();  // a trailing slash
  if (fs::is_symlink(named, ignored) && !fs::exists(named, ignored))
    throw_error<UsageError>("{}: a link that leads to nothing: {}, or create the folder that it leads to",
                            output.string(), elsewhere);
  place_ = fs::weakly_canonical(named, failure);
  if (!place_.has_filename()) place_ = place_.parent_path();
  if (failure) throw_error("{}: cannot be created: {}", output.string(), failure.message());
  const bool plain = std::none_of(named.begin(), named.end(), [](const fs::path& part) { return part == ".."; });
  output_ = plain ? named.lexically_normal() : place_;
  if (const fs::path here = fs::current_path(failure); !failure && lies_in(here, place_))
    throw_error<UsageError>("{}: is or holds the working folder; {}", output.string(), elsewhere);
  keep_clear_of(rules_.inputs);
  if (fs::exists(place_, ignored) && !fs::is_directory(place_, ignored))
    throw_error<UsageError>("{}: expected a folder, found a file; {}", output.string(), elsewhere);

  lock_and_recover();
  check_replaceable();
  staging_path_ = inside_ ? part_inside(place_) : beside(place_, "part");
  if (::mkdir(staging_path_.c_str(), 0777) != 0)
    throw_error("{}: cannot be created: {}", output_.string(), std::strerror(errno));
  staging_ = Temporary(staging_path_);
}

OutputFolder::Parents::~Parents() {
  for (auto folder = made.rbegin(); folder != made.rend(); ++folder) ::rmdir(folder->c_str());
}

void OutputFolder::keep_clear_of(const std::vector<fs::path>& inputs) const {
  for (const fs::path& input : inputs) {
    std::error_code failure;
    const fs::path real = fs::canonical(input, failure);
    if (failure) continue;  // its reader says so
    const bool within = lies_in(place_, real), around = lies_in(real, place_);
    if (within || around)
      throw_error<UsageError>("{}: {} the input {}; {}", output_.string(),
                              !around  ? "lies in"
                              : within ? "is"
                                       : "holds",
                              input.string(), elsewhere);
  }
}

void OutputFolder::lock_folder() {
  folder_lock_ = FileDescriptor();
  folder_lock_ = FileDescriptor(::open(place_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_lock_.is_open()) throw_error("{}: cannot be opened: {}", output_.string(), std::strerror(errno));
  // Some network file systems cannot lock; only a lock that another process holds is an error.
  if (::flock(folder_lock_.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) fail_in_use(output_);
}

// Decides whether the folder is written into, too.
void OutputFolder::lock_and_recover() {
  std::error_code ignored;
  const auto is_mount_point = rules_.is_mount_point ? rules_.is_mount_point : system_says_mount_point;
  const bool fixed = ::faccessat(AT_FDCWD, place_.parent_path().c_str(), W_OK, AT_EACCESS) != 0 && errno != ENOENT;
  const auto written_into = [&] { return fixed || is_empty_folder(place_) || is_mount_point(place_); };
  if (fs::is_directory(place_, ignored)) {
    lock_folder();
    recover_inside(place_);
    inside_ = written_into();
  }
  const bool left =
      is_there(beside(place_, "part")) || is_there(beside(place_, "old")) || is_there(beside(place_, "lock"));
  if (inside_ && !left) return;
  for (fs::path folder = place_.parent_path(); !is_there(folder); folder = folder.parent_path())
    parents_.made.insert(parents_.made.begin(), folder);
  create_folders(place_.parent_path());
  lock_ = Temporary::lock(beside(place_, "lock"));
  if (!lock_.open() && errno == EWOULDBLOCK) fail_in_use(output_);
  if (!lock_.open()) throw_error("{}: cannot be created: {}", output_.string(), std::strerror(errno));
  recover_beside(place_);
  if (!fs::is_directory(place_, ignored)) return;
  lock_folder();  // another one, where the old one was put back
  inside_ = written_into();
}

// Whether there is something to replace.
bool OutputFolder::check_replaceable() const {
  std::error_code ignored;
  if (!fs::exists(place_, ignored) || is_empty_folder(place_)) return false;
  std::string reason = reason_to_keep(place_, rules_.older);
  if (reason.empty() && ::faccessat(AT_FDCWD, place_.c_str(), W_OK, AT_EACCESS) != 0) reason = "is write-protected";
  if (!reason.empty())
    throw_error<UsageError>("{}: exists, is not empty and {}; {}, or remove this one yourself", output_.string(),
                            reason, elsewhere);
  if (!rules_.replace) throw_error<FolderInUse>("{}: exists and is not empty", output_.string());
  return true;
}

void OutputFolder::commit() {
  write_folder_record(staging_path_, rules_.maker);
  const FileDescriptor folder(::open(staging_path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // One call for the whole file system: one for each of thousands of files would take minutes.
  if (!folder.is_open() || (::syncfs(folder.number()) != 0 && errno != ENOSYS && errno != EINVAL))
    throw_error("{}: cannot be written: {}", output_.string(), std::strerror(errno));
  const bool replaces = check_replaceable();
  staging_.keep();
  if (inside_) put_inside(place_);
  else put_beside(place_, replaces);
}

void create_folders(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw_error("{}: cannot be created: {}", folder.string(), failure.message());
}

}  // namespace sunder
