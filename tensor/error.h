// The kinds of failure. Libraries throw these with the facts (what was expected, what was found, which file) and never
// print, exit or abort; programs add advice and choose the exit code (command/command_line.h). A failed SUNDER_ASSERT
// is a bug in Sunder and says so.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace sunder {

enum class ErrorKind {
  failure,   // anything that fails at run time, an op's wrong arguments included: "[op] expected ..., got ..."
  usage,     // an unknown key or name, a value out of range
  input,     // a file or folder that is missing, corrupt or not what was asked for; the message begins with its path
  model,     // a checkpoint or model file that is missing, damaged or of another architecture
  device,    // a device that is missing or cannot be used
  memory,    // no memory left on the host or a device
  diverged,  // too many losses or gradients in a row that are not finite
};

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ErrorKind kind = ErrorKind::failure)
      : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(message, ErrorKind::usage) {}
};

// A name that is none of `known`, which a program may suggest the nearest of.
struct UnknownName : UsageError {
  UnknownName(const std::string& message, std::string given, std::vector<std::string> all)
      : UsageError(message), name(std::move(given)), known(std::move(all)) {}
  std::string name;
  std::vector<std::string> known;
};

struct InputError : Error {
  explicit InputError(const std::string& message) : Error(message, ErrorKind::input) {}
};

struct ModelError : Error {
  explicit ModelError(const std::string& message) : Error(message, ErrorKind::model) {}
};

struct DivergedError : Error {
  explicit DivergedError(const std::string& message) : Error(message, ErrorKind::diverged) {}
};

struct DeviceError : Error {
  explicit DeviceError(const std::string& message) : Error(message, ErrorKind::device) {}
};
// No such device, or none that this build has code for.
struct DeviceMissing : DeviceError {
  using DeviceError::DeviceError;
};
// After a sticky CUDA error: nothing that this process asks of the device will succeed.
struct DeviceLost : DeviceError {
  using DeviceError::DeviceError;
};

class OutOfMemory : public Error {
 public:
  OutOfMemory(const std::string& message, size_t bytes) : Error(message, ErrorKind::memory), bytes_(bytes) {}
  size_t bytes() const { return bytes_; }  // asked for; 0 where a library does not say

 private:
  size_t bytes_;
};

// throw_error<InputError>("{}: expected ..., got ...", path)
template <class E = Error, class... Args>
[[noreturn]] void throw_error(fmt::format_string<Args...> format, Args&&... args) {
  throw E(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace sunder

// Checks for bugs of ours; a caller's mistake throws an Error that says what was expected.
#define SUNDER_ASSERT(condition)                                                                            \
  do {                                                                                                      \
    if (!(condition)) ::sunder::throw_error("internal error: {} at {}:{}", #condition, __FILE__, __LINE__); \
  } while (false)
