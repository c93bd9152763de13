// What the targets of tests/fuzz share. A target hands its input to one reader, as a file, and asserts what the
// reader's header promises: a value that fulfils it, or the documented error. Anything else ends the process: a broken
// promise, another exception, a sanitizer's report, over a second of processor time, over 1 GB of memory.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "tensor/error.h"

namespace sunder::fuzz {

#define SUNDER_PROMISE(condition)                                                     \
  do {                                                                                \
    if (!(condition)) ::sunder::fuzz::broken_promise(#condition, __FILE__, __LINE__); \
  } while (false)

[[noreturn]] inline void broken_promise(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: the reader broke its promise: %s\n", file, line, condition);
  std::abort();
}

// The bytes as a file in memory; each call of one `Name` replaces the one before.
template <int Name = 0>
std::filesystem::path memory_file(std::string_view bytes) {
  static const int file = ::memfd_create("fuzz", MFD_CLOEXEC);
  SUNDER_PROMISE(file >= 0 && ::ftruncate(file, 0) == 0);
  SUNDER_PROMISE(::pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return fmt::format("/proc/self/fd/{}", file);
}

// Where writers that rename their files can write; in memory where the system has such a folder.
inline const std::filesystem::path& output_folder() {
  struct Folder {
    std::filesystem::path path;
    Folder() {
      const std::filesystem::path memory = "/dev/shm";
      std::string name = (std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path()) /
                         "sunder-fuzz-XXXXXX";
      SUNDER_PROMISE(::mkdtemp(name.data()) != nullptr);
      path = name;
    }
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const Folder folder;
  return folder.path;
}

// What `read(path)` returns, or nothing where it refuses the file with an E whose message begins with the path.
template <class E, class Read>
auto accepted(const Read& read, const std::filesystem::path& path) -> std::optional<decltype(read(path))> {
  try {
    return read(path);
  } catch (const E& error) {
    SUNDER_PROMISE(std::string_view(error.what()).starts_with(path.string()));
    return std::nullopt;
  }
}

// Looks at the processor's time, so that a busy machine changes nothing. Sanitizers slow everything down.
class TimeLimit {
 public:
  TimeLimit() = default;
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit() { SUNDER_PROMISE(std::clock() - begin_ < seconds * CLOCKS_PER_SEC); }

 private:
#ifdef SUNDER_SANITIZED
  static constexpr std::clock_t seconds = 5;
#else
  static constexpr std::clock_t seconds = 1;
#endif
  std::clock_t begin_ = std::clock();
};

inline std::string_view text(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace sunder::fuzz
