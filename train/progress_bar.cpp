#include "train/progress_bar.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "tensor/memory.h"

namespace sunder {

namespace {

constexpr double bar_seconds = 0.2;  // between two updates
constexpr int bar_width = 24;

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

}  // namespace

ProgressBar::ProgressBar(Log& log, ProgressLimits limits, double interval_seconds, Device device, int64_t steps_before,
                         double seconds_before, std::function<double()> clock)
    : log_(log),
      limits_(limits),
      interval_(interval_seconds),
      device_(device),
      clock_(std::move(clock)),
      start_(clock_()),
      last_line_(start_),
      last_bar_(start_),
      first_step_(steps_before),
      step_(steps_before),
      seconds_before_(seconds_before) {}

void ProgressBar::step(int64_t epoch, int64_t inputs, double loss, double wait_seconds) {
  ++step_;
  ++steps_;
  inputs_ += inputs;
  loss_ += loss;
  wait_ += wait_seconds;
  const double now = clock_();
  if (log_.on_terminal() && now - last_bar_ >= bar_seconds) {
    log_.show(bar(epoch, now));
    last_bar_ = now;
  }
  if (now - last_line_ < interval_) return;
  // On a terminal the bar shows everything that a line would.
  if (!log_.on_terminal()) log_.info("{}", line(epoch, now));
  last_line_ = now;
  inputs_ = steps_ = 0;
  loss_ = wait_ = 0;
}

void ProgressBar::finish() { log_.show(""); }

std::string ProgressBar::line(int64_t epoch, double now) const {
  const double seconds = now - last_line_, left = eta(now);
  return fmt::format("epoch={} step={} loss={:.4f} inputs_per_second={:.1f} eta={} data_wait={:.3f} peak_mib={:.0f}",
                     epoch, step_, ratio(loss_, static_cast<double>(steps_)),
                     ratio(static_cast<double>(inputs_), seconds), left < 0 ? "unknown" : format_duration(left),
                     ratio(wait_, seconds), peak_memory_mib(device_));
}

std::string ProgressBar::bar(int64_t epoch, double now) const {
  const double seconds = now - last_line_, left = eta(now), done = std::max(0.0, fraction(now));
  const int filled = static_cast<int>(std::lround(done * bar_width));
  return fmt::format(
      "[{:=<{}}{:{}}] {:3.0f} %  epoch {}  step {}  loss {:.3f}  {:.1f} inputs/s  {}  data wait {:.0f} %  {:.0f} MiB",
      "", filled, "", bar_width - filled, 100 * done, epoch, step_, ratio(loss_, static_cast<double>(steps_)),
      ratio(static_cast<double>(inputs_), seconds), left < 0 ? "no limit" : format_duration(left) + " left",
      100 * ratio(wait_, seconds), peak_memory_mib(device_));
}

double ProgressBar::fraction(double now) const {
  double done = -1;
  if (limits_.steps > 0) done = static_cast<double>(step_) / static_cast<double>(limits_.steps);
  if (limits_.minutes > 0) done = std::max(done, (seconds_before_ + now - start_) / (60 * limits_.minutes));
  return std::min(done, 1.0);
}

double ProgressBar::eta(double now) const {
  double left = -1;
  if (limits_.minutes > 0) left = std::max(0.0, 60 * limits_.minutes - seconds_before_ - (now - start_));
  if (limits_.steps > 0 && step_ > first_step_) {
    const double each = (now - start_) / static_cast<double>(step_ - first_step_);
    const double by_steps = each * static_cast<double>(std::max<int64_t>(0, limits_.steps - step_));
    left = left < 0 ? by_steps : std::min(left, by_steps);
  }
  return left;
}

double ProgressBar::monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double peak_memory_mib(Device device) {
  if (device.is_cuda()) return static_cast<double>(memory_stats(device).bytes_peak) / (1 << 20);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

std::string format_duration(double seconds) {
  const auto total = static_cast<int64_t>(std::llround(seconds));
  if (total < 3600) return fmt::format("{:02}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

}  // namespace sunder
