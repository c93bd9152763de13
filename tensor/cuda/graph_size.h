#pragma once

#include <cstddef>

namespace sunder::cuda {

// Whether work becomes a graph. where_possible: what cannot be captured, a library that waits inside say, is launched.
enum class GraphUse { off, where_possible, required };

// What a captured graph holds. A library's call counts as the kernels it launches (on the emulator as one).
struct GraphSize {
  size_t kernels = 0, copies = 0, fills = 0;
  size_t total() const { return kernels + copies + fills; }
  bool operator==(const GraphSize&) const = default;
};

}  // namespace sunder::cuda
