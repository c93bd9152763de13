// Counters in device memory, by which the blocks of one launch find out which of them comes last.
#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace sunder::cuda {

inline constexpr int64_t counter_count = 8192;

// `counter_count` zeros for kernels on `stream`, which leave them at zero again; kept until forget_counters. The first
// call on a stream allocates, which must not happen while it is captured.
unsigned* counters(Stream stream);
// No graph that was captured on the stream may be launched after it.
void forget_counters(Stream stream);

}  // namespace sunder::cuda
