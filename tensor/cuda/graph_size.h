#pragma once

#include <cstddef>

namespace sunder::cuda {

// Whether work is captured into a graph. where_possible: what cannot be captured (a library call that waits, say) is
// launched.
enum class GraphUse { off, where_possible, required };

// The nodes of a captured graph. A library call counts as the kernels that it launches (on the emulator as one).
struct GraphSize {
  size_t kernels = 0, copies = 0, fills = 0;
  size_t total() const { return kernels + copies + fills; }
  bool operator==(const GraphSize&) const = default;
};

}  // namespace sunder::cuda
