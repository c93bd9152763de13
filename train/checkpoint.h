// Atomic checkpoints: RUN/checkpoints/step-00001200/ holds model.safetensors, optimizer.safetensors, state.json and
// manifest.json (train/manifest.h); `last` and `best` point to such folders. A folder is written under another name and
// renamed, so that a kill, a full disk or a crash leaves the previous one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "files/folder_pointer.h"
#include "files/safetensors.h"
#include "train/state.h"

namespace sunder {

struct CheckpointData {
  SafeTensors model;
  SafeTensors optimizer;
  State state;
};

struct Checkpoint {
  CheckpointData data;
  int64_t step = 0;
  bool is_best = false;
  std::filesystem::path path;
  std::string note;                            // newer checkpoints that were damaged and skipped; empty if none
  std::vector<std::filesystem::path> damaged;  // these
};

// Saves, updates `last` (and `best`), then removes all but the two newest and the best. A checkpoint of the same step
// is replaced. Throws Error if it cannot be written: nothing is left behind and the older ones stay. `make_link`: see
// files/folder_pointer.h.
void save_checkpoint(const std::filesystem::path& run_folder, int64_t step, const CheckpointData& data, bool is_best,
                     MakeLink make_link = make_symlink);

// Reads one checkpoint folder (or a pointer to one) after verifying every file. Throws ModelError for one that is
// missing or damaged, and ReadError where a file cannot be read: then it may be whole.
Checkpoint load_checkpoint(const std::filesystem::path& path);

// The newest intact checkpoint of a run, or none if it has no checkpoint at all. Changes nothing. Throws ModelError if
// it has some and all are damaged, and ReadError where one cannot be read: none is passed over that may be whole.
std::optional<Checkpoint> find_latest(const std::filesystem::path& run_folder);
bool has_checkpoints(const std::filesystem::path& run_folder);

// Resolves --resume: a checkpoint, or a run folder's newest intact one. Throws like find_latest.
Checkpoint find_checkpoint(const std::filesystem::path& path);

// Whether a checkpoint is one of this run's.
bool belongs_to(const Checkpoint& checkpoint, const std::filesystem::path& run_folder);

// Called before a run resumes from one of its own checkpoints, so that later steps are never resumed: damaged ones are
// renamed to damaged-step-..., whole ones move to abandoned (or abandoned-2, ...) with a copy of metrics.jsonl. `last`
// and `best` point at what remains; if no best one remains, `best` goes with the abandoned one. Returns what was set
// aside and where, one line each. Throws Error.
std::vector<std::string> rewind_checkpoints(const std::filesystem::path& run_folder, const Checkpoint& checkpoint,
                                            MakeLink make_link = make_symlink);

}  // namespace sunder
