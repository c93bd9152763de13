// How long a run has trained, and when time limits, checkpoints and validations are due.
#pragma once

#include <chrono>
#include <optional>

#include "train/config.h"
#include "train/position.h"

namespace sunder {

class Pace {
 public:
  // Starts now. minutes_before: training time before a resume.
  Pace(const Config& config, double minutes_before)
      : config_(config),
        minutes_before_(minutes_before),
        last_save_(minutes_before),
        last_validation_(minutes_before) {}

  double minutes() const { return shared_.value_or(own_minutes()); }
  // By this process's clock.
  double own_minutes() const {
    return minutes_before_ + std::chrono::duration<double>(Clock::now() - start_).count() / 60;
  }
  // Several ranks have one clock: the time stands still until they meet again.
  void share(double minutes) { shared_ = minutes; }
  bool out_of_time() const { return config_.train.max_minutes > 0 && minutes() >= config_.train.max_minutes; }
  bool checkpoint_due() const {
    return config_.train.checkpoint_minutes > 0 && minutes() - last_save_ >= config_.train.checkpoint_minutes;
  }
  // At the end of an epoch.
  bool validation_due(const Position& position) const {
    const ValidationConfig& v = config_.validation;
    return (v.every_epochs > 0 && (position.epoch + 1) % v.every_epochs == 0) ||
           (v.every_minutes > 0 && minutes() - last_validation_ >= v.every_minutes);
  }
  void saved() { last_save_ = minutes(); }
  void validated() { last_validation_ = minutes(); }

 private:
  using Clock = std::chrono::steady_clock;

  const Config& config_;
  const double minutes_before_;
  const Clock::time_point start_ = Clock::now();
  std::optional<double> shared_;
  double last_save_, last_validation_;  // minutes
};

}  // namespace sunder
