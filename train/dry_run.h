// A rehearsal of a run (--dry-run): everything once, in a folder that is removed.
#pragma once

#include "train/method.h"
#include "train/options.h"

namespace sunder {

// What a run would need.
struct Rehearsal {
  struct Phase {
    std::string task;
    double step_seconds = 0;
    int64_t steps_per_epoch = 0, epochs = 0;  // 0: no limit
  };
  std::vector<Phase> phases;
  double validation_seconds = 0;  // of all items
  int64_t validation_items = 0;
  double memory_mib = 0;  // the most in use so far
  uint64_t checkpoint_bytes = 0;
};

// As Markdown. free_bytes: on the disk that the run would be written to.
std::string describe(const Rehearsal& rehearsal, const Config& config, uint64_t free_bytes);

// Opens data and network, makes steps of each kind, validates one item, saves a checkpoint, loads and compares it, all
// in a temporary folder beside options.output, and prints what the run would need. Returns the exit code. Throws what a
// run throws, and UsageError where options.output holds a run that it would not resume.
int dry_run(const RunOptions& options, const MethodDefinition& method);

}  // namespace sunder
