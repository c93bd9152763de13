#include "train/checkpoint.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "files/atomic_file.h"
#include "files/crc32c.h"
#include "files/json.h"

namespace sunder {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr const char* file_names[] = {"model.safetensors", "optimizer.safetensors", "state.json"};
constexpr size_t kept_checkpoints = 2;  // besides the best

std::string step_name(int64_t step) { return fmt::format("step-{:08}", step); }

// The steps of the checkpoints in a folder, newest first. Names of folders in the process of being written or removed
// begin with a dot.
std::vector<int64_t> list_steps(const fs::path& folder) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    int64_t step = -1;
    if (name.rfind("step-", 0) == 0) std::from_chars(name.data() + 5, name.data() + name.size(), step);
    if (step >= 0 && name == step_name(step)) steps.push_back(step);
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

json file_record(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<char> buffer(1 << 20);
  uint64_t bytes = 0;
  uint32_t crc = 0;
  while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), stream.gcount() > 0) {
    const auto count = static_cast<size_t>(stream.gcount());
    crc = crc32c(std::as_bytes(std::span(buffer.data(), count)), crc);
    bytes += count;
  }
  return {{"bytes", bytes}, {"crc32c", fmt::format("{:08x}", crc)}};
}

std::string read_text(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Manifest {
  int64_t step = 0;
  bool is_best = false;
  json files;
};

Manifest read_manifest(const fs::path& folder) {
  const std::string name = (folder / "manifest.json").string();
  if (!fs::is_regular_file(name)) throw_error<ModelError>("{}: missing, the checkpoint is incomplete", name);
  try {
    const json manifest = parse_json(read_text(name));
    return {manifest.at("step").get<int64_t>(), manifest.at("best").get<bool>(), manifest.at("files")};
  } catch (const JsonError& error) {
    throw_error<ModelError>("{}: damaged: the text {}", name, error.what());
  } catch (const json::exception& error) {
    throw_error<ModelError>("{}: damaged: {}", name, error.what());
  }
}

void verify(const fs::path& folder, const Manifest& manifest) {
  for (const char* name : file_names) {
    const fs::path path = folder / name;
    if (!fs::is_regular_file(path)) throw_error<ModelError>("{}: missing, the checkpoint is incomplete", path.string());
    const json found = file_record(path);
    if (!manifest.files.is_object() || manifest.files.value(name, json()) != found)
      throw_error<ModelError>("{}: damaged: expected {}, got {}", path.string(),
                              manifest.files.is_object() ? manifest.files.value(name, json()).dump() : "a record",
                              found.dump());
  }
}

// Renamed first, so that no reader sees a partly removed checkpoint.
void remove_checkpoint(const fs::path& folder, int64_t step) {
  const fs::path doomed = folder / (".old-" + step_name(step));
  fs::remove_all(doomed);
  fs::rename(folder / step_name(step), doomed);
  fs::remove_all(doomed);
}

void relink(const fs::path& folder, const char* name, int64_t step) {
  const fs::path fresh = folder / fmt::format(".new-{}", name);
  fs::remove(fresh);
  fs::create_symlink(step_name(step), fresh);
  fs::rename(fresh, folder / name);
}

// Moves the finished folder into place. An existing checkpoint of the same step is exchanged with it, so that there is
// one at every moment.
void put_in_place(const fs::path& finished, const fs::path& place) {
  if (!fs::exists(place)) return fs::rename(finished, place);
  if (::renameat2(AT_FDCWD, finished.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) != 0) {
    fs::remove_all(finished.parent_path() / ".old");  // the file system has no RENAME_EXCHANGE
    fs::rename(place, finished.parent_path() / ".old");
    fs::rename(finished, place);
  }
}

void remove_leftovers(const fs::path& folder) {
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().front() == '.') leftovers.push_back(entry.path());
  for (const fs::path& path : leftovers) fs::remove_all(path);
}

int64_t link_target(const fs::path& folder, const char* name) {
  std::error_code error;
  const std::string target = fs::read_symlink(folder / name, error).string();
  for (const int64_t step : list_steps(folder))
    if (target == step_name(step)) return step;
  return -1;
}

void prune(const fs::path& folder) {
  const std::vector<int64_t> steps = list_steps(folder);
  const int64_t best = link_target(folder, "best");
  for (size_t i = kept_checkpoints; i < steps.size(); ++i)
    if (steps[i] != best) remove_checkpoint(folder, steps[i]);
}

// The newest checkpoint that was the best of its run when it was saved, or `otherwise`.
int64_t newest_best(const fs::path& folder, int64_t otherwise) {
  for (const int64_t step : list_steps(folder)) {
    try {
      if (read_manifest(folder / step_name(step)).is_best) return step;
    } catch (const ModelError&) {  // a damaged checkpoint is no candidate
    }
  }
  return otherwise;
}

void write_files(const fs::path& folder, int64_t step, const CheckpointData& data, bool is_best) {
  write_safetensors(folder / file_names[0], data.model.tensors, data.model.metadata);
  write_safetensors(folder / file_names[1], data.optimizer.tensors, data.optimizer.metadata);
  write_file(folder / file_names[2], to_json(data.state));
  json files;
  for (const char* name : file_names) files[name] = file_record(folder / name);
  write_file(folder / "manifest.json", json{{"step", step}, {"best", is_best}, {"files", files}}.dump(1));
}

}  // namespace

void save_checkpoint(const fs::path& run_folder, int64_t step, const CheckpointData& data, bool is_best) {
  const fs::path folder = run_folder / "checkpoints", place = folder / step_name(step),
                 unfinished = folder / (".new-" + step_name(step));
  try {
    fs::create_directories(folder);
    remove_leftovers(folder);
    fs::create_directory(unfinished);
    write_files(unfinished, step, data, is_best);
    put_in_place(unfinished, place);
    sync_folder(folder);
    if (is_best) relink(folder, "best", step);
    relink(folder, "last", step);
    sync_folder(folder);
    prune(folder);
    remove_leftovers(folder);
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove_all(unfinished, ignored);
    throw_error("{}: cannot save the checkpoint: {}", place.string(), error.what());
  }
}

Checkpoint load_checkpoint(const fs::path& path) {
  std::error_code error;
  const fs::path folder = fs::canonical(path, error);
  if (error) throw_error<ModelError>("{}: no such checkpoint", path.string());
  if (!fs::is_directory(folder)) throw_error<ModelError>("{}: expected a checkpoint folder", path.string());
  const Manifest manifest = read_manifest(folder);
  verify(folder, manifest);
  Checkpoint checkpoint;
  checkpoint.data.model = read_safetensors(folder / file_names[0]);
  checkpoint.data.optimizer = read_safetensors(folder / file_names[1]);
  checkpoint.data.state = parse_state(read_text(folder / file_names[2]), (folder / file_names[2]).string());
  checkpoint.step = manifest.step;
  checkpoint.is_best = manifest.is_best;
  checkpoint.path = folder;
  return checkpoint;
}

std::optional<Checkpoint> find_latest(const fs::path& run_folder) {
  const fs::path folder = run_folder / "checkpoints";
  std::vector<std::string> damaged;
  for (const int64_t step : list_steps(folder)) {
    try {
      Checkpoint checkpoint = load_checkpoint(folder / step_name(step));
      if (!damaged.empty())
        checkpoint.note = fmt::format("fell back to {}: {}", checkpoint.path.string(), fmt::join(damaged, "; "));
      return checkpoint;
    } catch (const ModelError& error) {
      damaged.push_back(error.what());
    }
  }
  if (damaged.empty()) return std::nullopt;
  throw_error<ModelError>("{}: no checkpoint is intact: {}", folder.string(), fmt::join(damaged, "; "));
}

Checkpoint find_checkpoint(const fs::path& path) {
  if (fs::is_directory(path / "checkpoints"))
    if (auto latest = find_latest(path)) return *std::move(latest);
  return load_checkpoint(path);
}

void rewind_checkpoints(const fs::path& run_folder, const Checkpoint& checkpoint) {
  const fs::path folder = run_folder / "checkpoints";
  try {
    for (const int64_t step : list_steps(folder))
      if (step > checkpoint.step) remove_checkpoint(folder, step);
    // The process may have been killed between the checkpoint's rename and the link's update.
    if (checkpoint.is_best || link_target(folder, "best") < 0)
      relink(folder, "best", newest_best(folder, checkpoint.step));
    relink(folder, "last", checkpoint.step);
    sync_folder(folder);
    remove_leftovers(folder);  // a run without further steps saves nothing more
  } catch (const fs::filesystem_error& error) {
    throw_error("{}: cannot remove the later checkpoints: {}", folder.string(), error.what());
  }
}

}  // namespace sunder
