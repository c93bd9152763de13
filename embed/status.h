// What the C API's functions have in common: no exception leaves them, and its message is kept.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>

#include "embed/sunder.h"

namespace sunder::embed {

// A caller's mistake: SUNDER_BAD_ARGUMENT.
[[noreturn]] void bad_argument(const std::string& message);
// Ends a call with SUNDER_CANCELLED.
struct Cancelled {};

// The status of the exception that is being handled, whose text goes to `message`; where even that takes too much
// memory it is empty.
sunder_status status_of_exception(std::string& message) noexcept;

// Runs `work` and says how it ended. `message` is cleared first.
template <class Work>
sunder_status guarded(std::string& message, const Work& work) noexcept {
  message.clear();
  try {
    work();
    return SUNDER_OK;
  } catch (...) {
    return status_of_exception(message);
  }
}

// The same for a call without a session, whose message is the calling thread's.
sunder_status guarded(const std::function<void()>& work) noexcept;
const char* thread_message();

// params as this library knows it: what a caller with an older header left out is the default. A newer caller's further
// fields are ignored. Null: all defaults.
template <class Params>
Params known_part(const Params* params, const Params& defaults, const char* name) {
  Params result = defaults;
  if (!params) return result;
  if (params->struct_size < sizeof(size_t))
    bad_argument(std::string(name) + ": expected struct_size to be set, as SUNDER_..._INIT does");
  std::memcpy(&result, params, std::min(params->struct_size, sizeof(Params)));
  return result;
}

}  // namespace sunder::embed
