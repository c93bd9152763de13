// The manifest of a checkpoint folder: its step, and size and CRC-32C of every file, under a checksum of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace sunder {

// model.safetensors, optimizer.safetensors, state.json.
inline constexpr const char* checkpoint_files[] = {"model.safetensors", "optimizer.safetensors", "state.json"};

struct Manifest {
  int64_t step = 0;
  bool is_best = false;
  std::map<std::string, std::string> files;  // what write_manifest noted of each
};

// "step-00001200", and its step; none for another name.
std::string step_name(int64_t step);
std::optional<int64_t> step_of_name(const std::string& name);

// Written last, from the files as they are on the disk.
void write_manifest(const std::filesystem::path& folder, int64_t step, bool is_best);

// Throws ModelError for a manifest that is missing, damaged or of another step than the folder's name, and ReadError
// where it cannot be read: then it may be whole. Manifests of earlier versions have no checksum.
Manifest read_manifest(const std::filesystem::path& folder);

// Compares every file with its record. Throws as read_manifest does.
void verify_files(const std::filesystem::path& folder, const Manifest& manifest);

}  // namespace sunder
