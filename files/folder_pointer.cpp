#include "files/folder_pointer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "files/atomic_file.h"
#include "files/read_file.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

constexpr uintmax_t longest_text = 4096;  // bytes: the system's longest path

// A path within the folder, and nothing else.
bool is_target(const fs::path& text) {
  if (text.empty() || text.is_absolute() || !text.has_filename()) return false;
  if (text.string().find_first_of(std::string_view("\0\n\r", 3)) != std::string::npos) return false;
  return std::none_of(text.begin(), text.end(), [](const fs::path& part) { return part == ".." || part == "."; });
}

[[noreturn]] void fail(const fs::path& path) {
  throw_error("{}: cannot be written: {}", path.string(), std::strerror(errno));
}

}  // namespace

int make_symlink(const char* target, const char* path) { return ::symlink(target, path); }

fs::path unfinished_pointer(const fs::path& pointer) {
  return pointer.parent_path() / (".new-" + pointer.filename().string());
}

fs::path follow_pointer(const fs::path& path) {
  const fs::path name = path.has_filename() ? path : path.parent_path();  // without a slash at the end
  std::error_code none;
  if (!fs::is_regular_file(name, none) || fs::file_size(name, none) > longest_text) return path;
  std::string text = read_file(name);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (!is_target(text)) return path;
  const fs::path target = name.parent_path() / text;
  return fs::is_directory(target, none) ? target : path;
}

std::optional<fs::path> pointed_folder(const fs::path& pointer) {
  std::error_code error;
  const fs::path folder = fs::canonical(follow_pointer(pointer), error);
  if (error && error.value() != ENOENT && error.value() != ENOTDIR) throw ReadError(pointer, error.value());
  if (error || !fs::is_directory(folder, error)) return std::nullopt;
  return folder;
}

void write_pointer(const fs::path& pointer, const std::string& target, MakeLink make_link) {
  const fs::path fresh = unfinished_pointer(pointer);
  ::unlink(fresh.c_str());
  if (make_link(target.c_str(), fresh.c_str()) != 0) {
    ::unlink(fresh.c_str());
    write_file(fresh, target + "\n");
  }
  if (::rename(fresh.c_str(), pointer.c_str()) != 0) {
    const int reason = errno;
    ::unlink(fresh.c_str());
    errno = reason;
    fail(pointer);
  }
}

}  // namespace sunder
