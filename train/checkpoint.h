// Checkpoints that are whole or absent: RUN/checkpoints/step-00001200/ holds model.safetensors, optimizer.safetensors,
// state.json and manifest.json with every file's size and CRC-32C; `last` and `best` are links to such folders. A
// folder is written under another name and renamed, so that a kill, a full disk or a crash leaves the one before.
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
  std::string note;  // which newer checkpoints were damaged and passed over; empty if none
};

// Saves, moves `last` (and `best`), then removes all but the two newest and the best. A checkpoint of the same step is
// replaced. Throws Error if it cannot be written: nothing is left behind and the older ones stay.
void save_checkpoint(const std::filesystem::path& run_folder, int64_t step, const CheckpointData& data, bool is_best);

// Reads one checkpoint folder (or a link to one) after verifying every file. Throws ModelError.
Checkpoint load_checkpoint(const std::filesystem::path& path);

// The newest whole checkpoint of a run, or none if it has no checkpoint at all. Throws ModelError if it has some
// and all are damaged.
std::optional<Checkpoint> find_latest(const std::filesystem::path& run_folder);

// What --resume names: a checkpoint, or a run folder for its newest whole one. Throws ModelError.
Checkpoint find_checkpoint(const std::filesystem::path& path);

// Before a run goes on from `checkpoint`, one of its own: removes the later ones and points `last` and `best` at what
// is left, so that nothing of the abandoned future is taken up again.
void rewind_checkpoints(const std::filesystem::path& run_folder, const Checkpoint& checkpoint);

}  // namespace sunder
