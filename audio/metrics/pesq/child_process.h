// Runs another program to its end: without a shell, with limits on time and output, and leaving no process behind.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace sunder {

struct ChildLimits {
  double seconds = 60;
  size_t bytes = 1 << 20;  // of stdout, and of stderr
};

struct ChildResult {
  enum class End { exited, signalled, timed_out, printed_too_much };
  End end = End::exited;
  int code = 0;  // exit code, or the signal's number
  std::string output, errors;
};

// Runs argv[0] (an absolute path) in the folder `folder`, with /dev/null as its stdin and in a process group of its
// own. The group is killed when the program ends and when a limit is reached; the program itself also when this process
// dies. It inherits no other descriptor and no blocked or ignored signal. Safe to call from several threads. Throws
// InputError where the system refuses to run the file, Error where it has no process or descriptor left.
ChildResult run_child(const std::vector<std::string>& argv, const std::filesystem::path& folder,
                      const ChildLimits& limits);

}  // namespace sunder
