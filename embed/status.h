// What the C API's functions have in common: no exception leaves them, and its message is kept.
#pragma once

#include <functional>
#include <string>

#include "embed/sunder.h"

namespace sunder::embed {

// A caller's mistake: SUNDER_BAD_ARGUMENT.
[[noreturn]] void bad_argument(const std::string& message);
// Ends a call with SUNDER_CANCELLED.
struct Cancelled {};

// Runs `work` and says how it ended. `message` is cleared first, and then holds what was thrown; where even that takes
// too much memory it stays empty.
sunder_status guarded(std::string& message, const std::function<void()>& work) noexcept;

// The message of the calling thread's last call without a session.
std::string& thread_message();

// params as this library knows it: what a caller with an older header left out is the default. A newer caller's further
// fields are ignored. Null: all defaults.
template <class Params>
Params known_part(const Params* params, const Params& defaults, const char* name);

}  // namespace sunder::embed

#include <algorithm>
#include <cstring>

namespace sunder::embed {

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
