// The kinds of failure and the exit code each one ends a program with (README, "Exit codes"). Libraries throw these and
// never print, exit or abort; a failed SUNDER_ASSERT is our own mistake and says so.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace sunder {

// Anything that fails at run time, a caller's mistake in an op included: "[op] expected ..., got ...".
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, int exit_code = 1) : std::runtime_error(message), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

// An unknown key or flag, a value out of range.
struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(message, 2) {}
};

// A file or folder that is missing, corrupt or not what was asked for; the message begins with its path.
struct InputError : Error {
  explicit InputError(const std::string& message) : Error(message, 3) {}
};

// A checkpoint or model file that is missing, damaged or of another architecture.
struct CheckpointError : Error {
  explicit CheckpointError(const std::string& message) : Error(message, 4) {}
};

// Training lost its way: too many losses or gradients in a row that are not finite.
struct DivergedError : Error {
  explicit DivergedError(const std::string& message) : Error(message, 5) {}
};

// A device that is missing or cannot be used.
struct DeviceError : Error {
  explicit DeviceError(const std::string& message) : Error(message, 6) {}
};

// No memory left; carries the bytes asked for. The message says what to lower.
inline constexpr const char* less_memory_advice = "lower --batch or data.segment_seconds";
class OutOfMemory : public DeviceError {
 public:
  OutOfMemory(const std::string& message, size_t bytes) : DeviceError(message), bytes_(bytes) {}
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_;
};

// throw_error<InputError>("{}: expected ..., got ...", path)
template <class E = Error, class... Args>
[[noreturn]] void throw_error(fmt::format_string<Args...> format, Args&&... args) {
  throw E(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace sunder

// Our own mistakes, never a caller's.
#define SUNDER_ASSERT(condition)                                                                              \
  do {                                                                                                        \
    if (!(condition)) ::sunder::throw_error("internal error: {} at {}:{}", #condition, __FILE__, __LINE__);   \
  } while (false)
