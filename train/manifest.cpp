#include "train/manifest.h"

#include <charconv>

#include "files/atomic_file.h"
#include "files/crc32c.h"
#include "files/json.h"
#include "files/read_file.h"

namespace sunder {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

json file_record(const fs::path& path) {
  uint64_t bytes = 0;
  uint32_t crc = 0;
  read_file(path, [&](std::span<const std::byte> piece) {
    crc = crc32c(piece, crc);
    bytes += piece.size();
  });
  return {{"bytes", bytes}, {"crc32c", fmt::format("{:08x}", crc)}};
}

// Over the content, not the text: the order of keys and white space do not matter.
std::string checksum(const json& manifest) { return fmt::format("{:08x}", crc32c(manifest.dump())); }

// What is not there, or is no file, is missing; another failure may pass.
template <class Read>
auto read_if_there(const fs::path& path, const Read& read) {
  try {
    return read(path);
  } catch (const ReadError& error) {
    if (error.is_absent()) throw_error<ModelError>("{}: missing, the checkpoint is incomplete", path.string());
    throw;
  }
}

// Throws json::exception for what is no manifest.
Manifest parse(json content, const std::string& source) {
  if (content.contains("crc32c")) {
    const auto expected = content.at("crc32c").get<std::string>();
    content.erase("crc32c");
    if (const std::string found = checksum(content); found != expected)
      throw_error<ModelError>("{}: damaged: expected the checksum {}, got {}", source, expected, found);
  }
  if (!content.is_object() || content.size() != 3 || !content.at("step").is_number_integer())
    throw_error<ModelError>("{}: damaged: expected step, best and files, got {}", source, content.dump());
  Manifest manifest{content.at("step").get<int64_t>(), content.at("best").get<bool>(), {}};
  for (const auto& [name, record] : content.at("files").items()) manifest.files[name] = record.dump();
  return manifest;
}

}  // namespace

std::string step_name(int64_t step) { return fmt::format("step-{:08}", step); }

std::optional<int64_t> step_of_name(const std::string& name) {
  int64_t step = -1;
  if (name.starts_with("step-")) std::from_chars(name.data() + 5, name.data() + name.size(), step);
  return step >= 0 && name == step_name(step) ? std::optional(step) : std::nullopt;
}

void write_manifest(const fs::path& folder, int64_t step, bool is_best) {
  json content{{"step", step}, {"best", is_best}, {"files", json::object()}};
  for (const char* name : checkpoint_files) content["files"][name] = file_record(folder / name);
  content["crc32c"] = checksum(content);
  write_file(folder / "manifest.json", content.dump(1));
}

Manifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / "manifest.json";
  const std::string text = read_if_there(path, [](const fs::path& file) { return read_file(file); });
  Manifest manifest;
  try {
    manifest = parse(parse_json(text), path.string());
  } catch (const JsonError& error) {
    throw_error<ModelError>("{}: damaged: the text {}", path.string(), error.what());
  } catch (const json::exception& error) {
    throw_error<ModelError>("{}: damaged: {}", path.string(), error.what());
  }
  if (const auto named = step_of_name(folder.filename().string()); named && *named != manifest.step)
    throw_error<ModelError>("{}: damaged: expected step {} as in the folder's name, got {}", path.string(), *named,
                            manifest.step);
  return manifest;
}

void verify_files(const fs::path& folder, const Manifest& manifest) {
  for (const char* name : checkpoint_files) {
    const fs::path path = folder / name;
    const std::string found = read_if_there(path, file_record).dump();
    const auto expected = manifest.files.find(name);
    if (expected == manifest.files.end() || expected->second != found)
      throw_error<ModelError>("{}: damaged: expected {}, got {}", path.string(),
                              expected == manifest.files.end() ? "a record" : expected->second, found);
  }
}

}  // namespace sunder
