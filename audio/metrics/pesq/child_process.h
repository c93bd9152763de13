// Another program, run to its end: without a shell, within limits of time and output, and with nothing left behind.
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

// Runs argv[0] (an absolute path) with `folder` as its working folder and /dev/null as its stdin, in a process group of
// its own that is killed when it ends, when a limit is reached, and (the program alone) when this process dies. It gets
// no other descriptor, no blocked or ignored signal of ours. Many threads may call at once. Throws InputError where the
// system refuses to run the file, Error where it has no process or descriptor left.
ChildResult run_child(const std::vector<std::string>& argv, const std::filesystem::path& folder,
                      const ChildLimits& limits);

}  // namespace sunder
