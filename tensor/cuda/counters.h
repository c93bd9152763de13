// Counters in device memory, by which the blocks of a launch find out which of them is the last.
#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace sunder::cuda {

inline constexpr int64_t counter_count = 8192;

// `counter_count` zeros for kernels on `stream`, which reset them to zero; valid until forget_counters. The first call
// on a stream allocates, which is not possible during a capture.
unsigned* counters(Stream stream);
// A graph captured on the stream must not be launched afterwards.
void forget_counters(Stream stream);

}  // namespace sunder::cuda
