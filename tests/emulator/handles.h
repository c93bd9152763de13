// Which handles are alive, by kind: "stream", "event", "graph", "cuBLAS handle", ...
#pragma once

#include <string>
#include <vector>

namespace sunder::emulator::handles {

void add(const char* kind, const void* handle);
// Both throw Failure for a handle that is not alive.
void check(const char* kind, const void* handle);
void remove(const char* kind, const void* handle);
void list_leaks(std::vector<std::string>& lines);

}  // namespace sunder::emulator::handles
