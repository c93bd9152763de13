// The folder of one run: config.toml, metrics.jsonl, log.txt, results.md, TensorBoard events and checkpoints/.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "train/config.h"
#include "train/state.h"

namespace sunder {

// One line of metrics.jsonl, in this order; the first pair is "step". A number that is not finite is written as null.
using MetricsRow = std::vector<std::pair<std::string, std::variant<bool, int64_t, double, std::string>>>;

class RunFolder {
 public:
  // Creates the folder if needed and locks it: a second process that opens it is refused. Throws Error.
  explicit RunFolder(std::filesystem::path path);
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  ~RunFolder();

  const std::filesystem::path& path() const { return path_; }
  // Whether a run was started here before, or something is called as what a run writes.
  bool in_use() const;

  void write_config(const Config& config) const;
  void write_results(const std::string& markdown) const;

  // Appends one line with a single write. On failure restores the file and throws Error.
  void append_metrics(const MetricsRow& row) const;
  // Removes lines that a resumed run will write again: those after `step`, validation lines (with a key that begins
  // with valid_) after `validated_step`, and a last line that a kill has cut. Whatever else stands there stays.
  void truncate_metrics(int64_t step, int64_t validated_step) const;
  void truncate_metrics(int64_t step) const { truncate_metrics(step, step); }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace sunder
