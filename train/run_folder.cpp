#include "train/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "files/atomic_file.h"
#include "files/read_file.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) throw_error("{}: cannot create the run folder: {}", path_.string(), error.message());
  if (::access(path_.c_str(), W_OK | X_OK) != 0)
    throw_error("{}: cannot write to the run folder: {}", path_.string(), std::strerror(errno));
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Some network file systems cannot lock; only a lock held by another process is an error.
  if (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(lock_);
    throw_error("{}: another program is writing to this run folder", path_.string());
  }
}

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

bool RunFolder::in_use() const {
  // Also files that a run would replace or add to, whoever wrote them.
  for (const char* name : {"config.toml", "checkpoints", "metrics.jsonl", "log.txt", "results.md", "curves.png"})
    if (const fs::file_status status = fs::status(path_ / name); is_regular_file(status) || is_directory(status))
      return true;
  return false;
}

void RunFolder::write_config(const Config& config) const { write_file(path_ / "config.toml", to_toml(config)); }

void RunFolder::write_results(const std::string& markdown) const { write_file(path_ / "results.md", markdown); }

void RunFolder::append_metrics(const MetricsRow& row) const {
  ordered_json object = ordered_json::object();
  for (const auto& [key, value] : row) std::visit([&, &name = key](const auto& v) { object[name] = v; }, value);
  const std::string line = object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  AppendFile(path_ / "metrics.jsonl").append(line);
}

void RunFolder::truncate_metrics(int64_t step, int64_t validated_step) const {
  const fs::path name = path_ / "metrics.jsonl";
  if (!fs::exists(name)) return;
  const std::string text = read_file(name);
  std::string kept;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = text.substr(begin, end + 1 - begin);
    const auto row = ordered_json::parse(line, nullptr, false);
    const bool counts = row.is_object() && row.contains("step") && row["step"].is_number_integer();
    const bool validation = counts && std::any_of(row.items().begin(), row.items().end(),
                                                  [](const auto& field) { return field.key().starts_with("valid_"); });
    if (!counts || row["step"].get<int64_t>() <= (validation ? std::min(step, validated_step) : step)) kept += line;
  }
  if (kept != text) write_file(name, kept);
}

}  // namespace sunder
