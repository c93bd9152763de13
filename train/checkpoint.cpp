#include "train/checkpoint.h"

#include <algorithm>

#include "files/atomic_file.h"
#include "files/plain_message.h"
#include "files/read_file.h"
#include "train/checkpoint_folder.h"
#include "train/manifest.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

fs::path folder_of(const fs::path& run_folder) { return run_folder / "checkpoints"; }

void write_files(const fs::path& folder, int64_t step, const CheckpointData& data, bool is_best) {
  write_safetensors(folder / checkpoint_files[0], data.model.tensors, data.model.metadata);
  write_safetensors(folder / checkpoint_files[1], data.optimizer.tensors, data.optimizer.metadata);
  write_file(folder / checkpoint_files[2], to_json(data.state));
  write_manifest(folder, step, is_best);
}

// Three witnesses of the step: the folder's name (read_manifest), the manifest and the trainer's own count.
void check_step(const Manifest& manifest, const State& state, const std::string& source) {
  const auto steps = state.find("steps");
  if (steps == state.end()) return;
  const auto* count = std::get_if<int64_t>(&steps->second);
  if (!count || *count != manifest.step)
    throw_error<ModelError>("{}: damaged: expected 'steps' = {} as in the manifest, got {}", source, manifest.step,
                            count ? std::to_string(*count) : "no whole number");
}

// True also where it cannot be read: it may be whole.
bool may_be_whole(const fs::path& folder) {
  try {
    verify_files(folder, read_manifest(folder));
  } catch (const ModelError&) {
    return false;
  } catch (const ReadError&) {
  }
  return true;
}

// The newest of `stored` that was the best of its run when it was saved and is whole.
std::optional<StoredCheckpoint> newest_best(const std::vector<StoredCheckpoint>& stored) {
  for (const StoredCheckpoint& each : stored) {
    try {
      const Manifest manifest = read_manifest(each.path);
      if (!manifest.is_best) continue;
      verify_files(each.path, manifest);
      return each;
    } catch (const Error&) {  // damaged or unreadable: no candidate
    }
  }
  return std::nullopt;
}

struct Moved {
  StoredCheckpoint from;
  fs::path to;
  bool is_damaged;
};

// Moves checkpoints that a run will not go on from.
std::vector<Moved> move_aside(const fs::path& run_folder, const std::vector<StoredCheckpoint>& stored,
                              const std::vector<fs::path>& damaged) {
  const fs::path folder = folder_of(run_folder), abandoned = free_name(folder, "abandoned");
  std::vector<Moved> moved;
  for (const StoredCheckpoint& each : stored) {
    const fs::path name = each.path.filename();
    const bool is_damaged =
        std::any_of(damaged.begin(), damaged.end(), [&](const fs::path& path) { return path.filename() == name; });
    if (!is_damaged && fs::create_directory(abandoned) && fs::exists(run_folder / "metrics.jsonl"))
      fs::copy_file(run_folder / "metrics.jsonl", abandoned / "metrics.jsonl");
    moved.push_back({each, is_damaged ? free_name(folder, "damaged-" + name.string()) : abandoned / name, is_damaged});
    fs::rename(each.path, moved.back().to);
  }
  return moved;
}

}  // namespace

void save_checkpoint(const fs::path& run_folder, int64_t step, const CheckpointData& data, bool is_best,
                     MakeLink make_link) {
  const fs::path folder = folder_of(run_folder), written = unfinished_checkpoint(folder, step);
  try {
    fs::create_directories(folder);
    settle(folder, make_link);
    fs::create_directory(written);
    write_files(written, step, data, is_best);
    put_in_place(folder, step);
    sync_folder(folder);
    if (is_best) write_pointer(folder / "best", step_name(step), make_link);
    write_pointer(folder / "last", step_name(step), make_link);
    sync_folder(folder);
    prune(folder);
    settle(folder, make_link);
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove_all(written, ignored);
    throw_error("{}: cannot save the checkpoint: {}", (folder / step_name(step)).string(), plain_message(error));
  }
}

Checkpoint load_checkpoint(const fs::path& path) {
  const auto found = pointed_folder(path);
  if (!found)
    throw_error<ModelError>("{}: {}", path.string(),
                            fs::exists(path) ? "expected a checkpoint folder" : "no such checkpoint");
  const fs::path& folder = *found;
  const Manifest manifest = read_manifest(folder);
  verify_files(folder, manifest);
  const fs::path state = folder / checkpoint_files[2];
  Checkpoint checkpoint;
  checkpoint.data.model = read_safetensors(folder / checkpoint_files[0]);
  checkpoint.data.optimizer = read_safetensors(folder / checkpoint_files[1]);
  checkpoint.data.state = parse_state(read_file(state), state.string());
  check_step(manifest, checkpoint.data.state, state.string());
  checkpoint.step = manifest.step;
  checkpoint.is_best = manifest.is_best;
  checkpoint.path = folder;
  return checkpoint;
}

std::optional<Checkpoint> find_latest(const fs::path& run_folder) {
  const fs::path folder = folder_of(run_folder);
  std::vector<std::string> reasons;
  std::vector<fs::path> damaged;
  for (const StoredCheckpoint& stored : list_checkpoints(folder)) {
    try {
      Checkpoint checkpoint = load_checkpoint(stored.path);
      if (!reasons.empty())
        checkpoint.note = fmt::format("fell back to {}: {}", checkpoint.path.string(), fmt::join(reasons, "; "));
      checkpoint.damaged = damaged;
      return checkpoint;
    } catch (const ModelError& error) {
      reasons.emplace_back(error.what());
      damaged.push_back(stored.path);
    }
  }
  if (damaged.empty()) return std::nullopt;
  throw_error<ModelError>("{}: no checkpoint is intact: {}", folder.string(), fmt::join(reasons, "; "));
}

bool has_checkpoints(const fs::path& run_folder) { return !list_checkpoints(folder_of(run_folder)).empty(); }

Checkpoint find_checkpoint(const fs::path& path) {
  if (fs::is_directory(path / "checkpoints"))
    if (auto latest = find_latest(path)) return *std::move(latest);
  return load_checkpoint(path);
}

bool belongs_to(const Checkpoint& checkpoint, const fs::path& run_folder) {
  const fs::path folder = folder_of(run_folder), name = checkpoint.path.filename();
  std::error_code none;
  if (!fs::equivalent(checkpoint.path.parent_path(), folder, none)) return false;
  const std::vector<StoredCheckpoint> stored = list_checkpoints(folder);
  return name == "last" || name == "best" ||
         std::any_of(stored.begin(), stored.end(), [&](const auto& each) { return each.path.filename() == name; });
}

std::vector<std::string> rewind_checkpoints(const fs::path& run_folder, const Checkpoint& checkpoint,
                                            MakeLink make_link) {
  const fs::path folder = folder_of(run_folder), best = folder / "best";
  try {
    settle(folder, make_link);
    std::vector<StoredCheckpoint> aside, remaining;
    std::vector<fs::path> damaged = checkpoint.damaged;
    const auto pointed = pointed_folder(best);
    const bool may_stay = pointed && may_be_whole(*pointed);
    bool is_moved = false;  // the one that `best` points to
    for (const StoredCheckpoint& stored : list_checkpoints(folder)) {
      const bool is_best = pointed && pointed_folder(stored.path) == pointed;
      if (is_best && !may_stay) damaged.push_back(stored.path);
      const bool goes = stored.step > checkpoint.step || (is_best && !may_stay && stored.step != checkpoint.step);
      is_moved |= goes && is_best;
      (goes ? aside : remaining).push_back(stored);
    }
    // The process may have been killed between the checkpoint's rename and the update of `best`.
    const bool changes = !may_stay || is_moved || checkpoint.is_best;
    const auto better = changes ? newest_best(remaining) : std::nullopt;
    const bool had_best = fs::exists(fs::symlink_status(best));

    std::vector<std::string> notes;
    std::string target = better ? step_name(better->step) : "";
    for (const Moved& moved : move_aside(run_folder, aside, damaged)) {
      notes.push_back(fmt::format("the {} checkpoint {} was set aside: it is now {}",
                                  moved.is_damaged ? "damaged" : "later", moved.from.path.string(), moved.to.string()));
      if (target.empty() && is_moved && !moved.is_damaged && moved.from.path.filename() == pointed->filename())
        target = moved.to.lexically_relative(folder).string();
    }
    if (target.empty() && changes && had_best) target = step_name(checkpoint.step);
    if (!target.empty()) write_pointer(best, target, make_link);
    write_pointer(folder / "last", step_name(checkpoint.step), make_link);
    sync_folder(folder);
    return notes;
  } catch (const fs::filesystem_error& error) {
    throw_error("{}: cannot set later checkpoints aside: {}", folder.string(), plain_message(error));
  }
}

}  // namespace sunder
