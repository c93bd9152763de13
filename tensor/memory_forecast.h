// The memory of work on long signals, found out on short ones.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "tensor/memory.h"

namespace sunder {

// Bytes that an empty pool, or an arena, will hold for the work on a signal of that length. prepare(length) makes the
// work's inputs and returns the work; it is done on about a sixth, a third and half of `length`. The size of every
// block must be a polynomial of second degree in the length, as that of attention's scores. Returns nothing if a sixth
// is shorter than `shortest` or allocations depend on the length in another way.
std::optional<size_t> forecast_memory(int64_t length, int64_t shortest, Stream stream,
                                      const std::function<std::function<void()>(int64_t length)>& prepare);

// The relative error bound of a forecast; tests compare it with what work really took.
inline constexpr double memory_forecast_error = 0.1;

}  // namespace sunder
