// How work that takes long tells its caller how far it is.
#pragma once

#include <cstdint>
#include <functional>

namespace sunder {

// Called now and then, from one thread at a time; may be empty.
using Progress = std::function<void(int64_t done, int64_t total)>;

}  // namespace sunder
