// Progress of a run: a bar on a terminal, one key=value line per interval elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tensor/device.h"
#include "train/log.h"

namespace sunder {

// The limits of a run; 0: no limit. The nearer of the two counts.
struct ProgressLimits {
  int64_t steps = 0;
  double minutes = 0;
};

class ProgressBar {
 public:
  // Prints a line every `interval_seconds`. `clock` gives seconds (tests set their own). Steps and seconds of training
  // before a resume count towards the limits.
  ProgressBar(Log& log, ProgressLimits limits, double interval_seconds, Device device, int64_t steps_before = 0,
              double seconds_before = 0, std::function<double()> clock = monotonic_seconds);

  // Records one step: `inputs` network inputs, a loss per input, `wait_seconds` of it spent waiting for data.
  void step(int64_t epoch, int64_t inputs, double loss, double wait_seconds);
  // Removes the bar.
  void finish();

  static double monotonic_seconds();

 private:
  std::string line(int64_t epoch, double now) const;
  std::string bar(int64_t epoch, double now) const;
  double fraction(double now) const;  // 0 ... 1, negative without a limit
  double eta(double now) const;       // seconds, negative without a limit

  Log& log_;
  ProgressLimits limits_;
  double interval_;
  Device device_;
  std::function<double()> clock_;
  double start_, last_line_, last_bar_;
  int64_t first_step_, step_;
  double seconds_before_;
  // Since the last line.
  int64_t inputs_ = 0, steps_ = 0;
  double loss_ = 0, wait_ = 0;
};

// Peak memory in MiB: of the device's pool, or on the CPU of the whole process.
double peak_memory_mib(Device device);

// "1:02:03" or "02:03".
std::string format_duration(double seconds);

}  // namespace sunder
