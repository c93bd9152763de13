// What the injected library (inject.cpp) and the tests that use it agree on.
#pragma once

#include <atomic>
#include <cstdint>

namespace sunder::faults {

// Kinds of calls. `change` counts every call that changes what is on the disk, whatever its kind: killing the program
// before each of them leaves every state that a kill can leave, but for writes that are cut within.
enum Kind { open, read, write, sync, close, rename, link, remove, mkdir, truncate, list, stat, lock, memory, change };

constexpr const char* kind_names[] = {"open",  "read",     "write", "sync", "close", "rename", "link",  "remove",
                                      "mkdir", "truncate", "list",  "stat", "lock",  "memory", "change"};
constexpr int kinds = sizeof kind_names / sizeof *kind_names;

// A file that the program maps, so that it is complete however the program ends.
struct Tally {
  std::atomic<uint64_t> calls[kinds];
  std::atomic<uint64_t> strikes;  // calls that were failed
  char struck[512];               // the first of them: its path
};

}  // namespace sunder::faults
