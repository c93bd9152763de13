// How long a run has trained, and when time limits, checkpoints and validations are due.
#pragma once

#include <chrono>

#include "train/config.h"
#include "train/position.h"

namespace sunder {

class Pace {
 public:
  // Starts now. minutes_before: training time before a resume.
  Pace(const Config& config, double minutes_before) : config_(config), minutes_before_(minutes_before) {}

  double minutes() const { return minutes_before_ + since(start_); }
  bool out_of_time() const { return config_.train.max_minutes > 0 && minutes() >= config_.train.max_minutes; }
  bool checkpoint_due() const {
    return config_.train.checkpoint_minutes > 0 && since(last_save_) >= config_.train.checkpoint_minutes;
  }
  // At the end of an epoch.
  bool validation_due(const Position& position) const {
    const ValidationConfig& v = config_.validation;
    return (v.every_epochs > 0 && (position.epoch + 1) % v.every_epochs == 0) ||
           (v.every_minutes > 0 && since(last_validation_) >= v.every_minutes);
  }
  void saved() { last_save_ = Clock::now(); }
  void validated() { last_validation_ = Clock::now(); }

 private:
  using Clock = std::chrono::steady_clock;
  static double since(Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count() / 60;
  }

  const Config& config_;
  const double minutes_before_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_save_ = start_, last_validation_ = start_;
};

}  // namespace sunder
