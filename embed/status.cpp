#include "embed/status.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "files/plain_message.h"
#include "tensor/error.h"

namespace sunder::embed {
namespace {

struct BadArgument : Error {
  using Error::Error;
};

sunder_status status_of(const Error& error) {
  if (dynamic_cast<const BadArgument*>(&error)) return SUNDER_BAD_ARGUMENT;
  if (dynamic_cast<const DeviceLost*>(&error)) return SUNDER_DEVICE_LOST;
  switch (error.kind()) {
    case ErrorKind::usage:
      return SUNDER_BAD_ARGUMENT;
    case ErrorKind::input:
      return SUNDER_BAD_AUDIO;
    case ErrorKind::model:
      return SUNDER_BAD_MODEL;
    case ErrorKind::device:
      return SUNDER_NO_DEVICE;
    case ErrorKind::memory:
      return SUNDER_OUT_OF_MEMORY;
    case ErrorKind::failure:
    case ErrorKind::diverged:
      break;
  }
  return SUNDER_FAILED;
}

// No std::string: a thread's object with a destructor keeps a library in memory after dlclose, until the thread ends.
constexpr size_t longest_message = 2047;
thread_local char last_message[longest_message + 1] = {};

void keep(std::string& message, const char* text) noexcept {
  try {
    message = text;
  } catch (...) {
    message.clear();
  }
}

}  // namespace

void bad_argument(const std::string& message) { throw BadArgument(message, ErrorKind::usage); }

sunder_status status_of_exception(std::string& message) noexcept {
  try {
    throw;
  } catch (const Cancelled&) {
    keep(message, "cancelled");
    return SUNDER_CANCELLED;
  } catch (const Error& error) {
    keep(message, error.what());
    return status_of(error);
  } catch (const std::bad_alloc&) {
    keep(message, "out of memory");
    return SUNDER_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    keep(message, plain_message(error).c_str());
    return SUNDER_FAILED;
  } catch (...) {
    keep(message, "failed for an unknown reason");
    return SUNDER_FAILED;
  }
}

sunder_status guarded(const std::function<void()>& work) noexcept {
  std::string message;
  const sunder_status status = guarded(message, work);
  size_t length = std::min(message.size(), sizeof last_message - 1);
  if (length < message.size())  // whole characters
    while (length > 0 && (message[length] & 0xC0) == 0x80) --length;
  std::memcpy(last_message, message.data(), length);
  last_message[length] = '\0';
  return status;
}

const char* thread_message() { return last_message; }

}  // namespace sunder::embed
