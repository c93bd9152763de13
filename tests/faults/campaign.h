// What the tests of faults, kills and damaged files share: how many cases they try, how they count them, and how a
// program is run with the injected library (inject.cpp).
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/faults/tally.h"
#include "tests/programs/program.h"

namespace sunder::faults {

// The library to preload; empty where a sanitizer's own does not allow it.
std::string injected_library();

// The number of cases: what the environment variable says (scripts/nightly.sh), otherwise few enough for every build.
int64_t size_of_campaign(const char* variable, int64_t otherwise);

// Whether this is a long campaign.
inline bool is_campaign() { return std::getenv("FAULTS_OF_A_KIND") != nullptr; }

// Counts the cases of one kind. What was wrong with a case is a failure of the test that names it; the destructor
// prints "tally|KIND|OF WHAT|TRIED|SURVIVED", and a long campaign says every ten seconds how far it is.
class Count {
 public:
  Count(std::string kind, std::string what, size_t cases);
  Count(const Count&) = delete;
  Count& operator=(const Count&) = delete;
  ~Count();

  void tried(const std::string& name, const std::string& wrong);  // nothing wrong: empty
  size_t tried() const { return tried_; }

 private:
  std::string kind_, what_;
  size_t cases_, tried_ = 0, failed_ = 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now(), said_ = begin_;
};

// A program with its arguments.
struct Command {
  std::string program;
  std::vector<std::string> arguments;
};

struct Fault {
  Kind kind = Kind::open;
  uint64_t at = 1;
  bool onwards = false;
  std::string what = "EIO";

  std::string text() const;
};

struct Injected {
  ProgramResult result;
  std::map<Kind, uint64_t> calls;
  bool struck = false;  // whether there was such a call
  std::string path;     // of the call that failed
};

// Runs the command; without a fault it only counts. `under`: the folder whose files matter.
Injected inject(const Command& command, const std::filesystem::path& under, const Fault* fault = nullptr);

// For every kind of call that a run makes, the ways in which it can fail, each at so many calls spread over the run
// (FAULTS_OF_A_KIND; 0: at every one). The same every time. Without a campaign one call each, of one `half` of them.
std::vector<Fault> choose_faults(const std::map<Kind, uint64_t>& calls, size_t half);

// What lies below a folder: the files' bytes, and where links point, by relative path. Folders end in a slash.
using Snapshot = std::map<std::string, std::string>;
Snapshot snapshot(const std::filesystem::path& folder);
// "" or what differs first.
std::string difference(const Snapshot& expected, const Snapshot& found);

// Whether the exit code is one that the programs document (command/exit_codes.h).
bool is_documented(int code);
// "" or what is missing of a message that says what went wrong: one that names a path below `under`.
std::string unclear(const std::string& message, const std::filesystem::path& under, bool memory);

}  // namespace sunder::faults
