// Whether an item's signals fit into the memory. The system may kill a process that takes too much, and its results
// with it, where an allocation that fails costs one item.
#pragma once

#include <cstdint>
#include <string>

namespace sunder {

// What the machine, or the container that this process runs in, could give now; a large number where neither says.
int64_t available_memory_bytes();

// Throws OutOfMemory, "<what>: too large for the memory: ...", where an item needs more bytes than there are.
void check_memory(const std::string& what, double bytes, int64_t memory_bytes);

}  // namespace sunder
