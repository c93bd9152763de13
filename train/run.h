// The run folder during training: its lock, log, metrics and progress.
#pragma once

#include <optional>

#include "train/log.h"
#include "train/options.h"
#include "train/position.h"
#include "train/progress_bar.h"
#include "train/report.h"
#include "train/run_folder.h"

namespace sunder {

class Run {
 public:
  // Creates and locks the folder. Throws Error as RunFolder does. Another rank than 0 has no folder and writes nothing
  // but warnings on stderr.
  explicit Run(std::filesystem::path output, int rank = 0) : rank_(rank) {
    if (rank == 0) folder_.emplace(std::move(output));
  }

  // Throws UsageError if the folder holds a run, unless `resumed`: with --resume auto or from one of its own
  // checkpoints.
  void open_log(bool resumed);
  // Opens metrics, curves and progress, and removes what a killed run wrote after `position`.
  void begin(const Config& config, const Position& position, ProgressLimits limits, Device device);

  // Whether there are a folder and a report.
  bool writes() const { return folder_.has_value(); }
  const RunFolder& folder() const { return *folder_; }
  Log& log() { return *log_; }
  ProgressBar& progress() { return *progress_; }
  Report& report() { return *report_; }

 private:
  int rank_;
  std::optional<RunFolder> folder_;
  std::optional<Log> log_;
  std::optional<ProgressBar> progress_;
  std::optional<Report> report_;
};

}  // namespace sunder
