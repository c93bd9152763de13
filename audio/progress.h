// Progress of long work, reported to the caller.
#pragma once

#include <cstdint>
#include <functional>

namespace sunder {

// Called from time to time, by one thread at a time; may be empty.
using Progress = std::function<void(int64_t done, int64_t total)>;

}  // namespace sunder
