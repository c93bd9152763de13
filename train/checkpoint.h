// Atomic checkpoints: RUN/checkpoints/step-00001200/ holds model.safetensors, optimizer.safetensors, state.json and
// manifest.json with every file's size and CRC-32C; `last` and `best` are links to such folders. A folder is written
// under another name and renamed, so that a kill, a full disk or a crash leaves the previous one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

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
  std::string note;  // newer checkpoints that were damaged and skipped; empty if none
};

// Saves, updates `last` (and `best`), then removes all but the two newest and the best. A checkpoint of the same step
// is replaced. Throws Error if it cannot be written: nothing is left behind and the older ones stay.
void save_checkpoint(const std::filesystem::path& run_folder, int64_t step, const CheckpointData& data, bool is_best);

// Reads one checkpoint folder (or a link to one) after verifying every file. Throws ModelError.
Checkpoint load_checkpoint(const std::filesystem::path& path);

// The newest intact checkpoint of a run, or none if it has no checkpoint at all. Throws ModelError if it has some and
// all are damaged.
std::optional<Checkpoint> find_latest(const std::filesystem::path& run_folder);

// Resolves --resume: a checkpoint, or a run folder's newest intact one. Throws ModelError.
Checkpoint find_checkpoint(const std::filesystem::path& path);

// Called before a run resumes from one of its own checkpoints: removes the later ones and points `last` and `best` at
// what remains, so that abandoned steps are never resumed.
void rewind_checkpoints(const std::filesystem::path& run_folder, const Checkpoint& checkpoint);

}  // namespace sunder
