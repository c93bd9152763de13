#include "train/run.h"

namespace sunder {

void Run::open_log(bool resumed) {
  if (!writes()) {
    log_.emplace(Log::of_rank(fmt::format("rank {}", rank_)));
    return;
  }
  const std::filesystem::path& path = folder_->path();
  if (!resumed && folder_->in_use())
    throw_error<UsageError>("{}: holds a run already; resume it with --resume auto or choose another --output",
                            path.string());
  log_.emplace(path / "log.txt");
}

void Run::begin(const Config& config, const Position& position, ProgressLimits limits, Device device) {
  if (writes()) {
    // Also without a checkpoint: a run killed before its first one may have written lines.
    folder_->truncate_metrics(position.steps, position.validated_step);
    folder_->write_config(config);
    report_.emplace(*folder_, position);
  }
  progress_.emplace(*log_, limits, config.train.log_seconds, device, position.steps, 60 * position.minutes);
}

}  // namespace sunder
