#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensor/error.h"

namespace sunder {
namespace {

// From 1 at x = 0 to 0 at x = 1.
double cosine(double x) { return 0.5 * (1 + std::cos(std::numbers::pi * x)); }

}  // namespace

Fields fields(ScheduleConfig& c) {
  return {number("warmup_steps", &c.warmup_steps, 0, many,
                 "steps in which the learning rate rises linearly to optim.lr; 0: it begins there"),
          text("decay", &c.decay,
               "how the learning rate falls to zero at the end of the run, or one-cycle: up, then down, over all of it",
               {"none", "linear", "cosine", "one-cycle"}),
          number("decay_share", &c.decay_share, 0.001, 1,
                 "share of max_epochs or max_minutes in which it falls; 1: from the end of the warm-up on")};
}

Schedule::Schedule(const ScheduleConfig& config, int64_t most_steps, double most_minutes)
    : config_(config), most_steps_(most_steps), most_minutes_(most_minutes) {
  if (most_steps > 0 && config.warmup_steps >= most_steps)
    throw_error<UsageError>("optim.warmup_steps: expected fewer than the {} steps of the run, got {}", most_steps,
                            config.warmup_steps);
}

double Schedule::factor(int64_t steps, double minutes) {
  const auto done = static_cast<double>(steps);
  const bool warming = steps < config_.warmup_steps;
  const double warmth = warming ? (done + 1) / static_cast<double>(config_.warmup_steps) : 1;
  if (config_.decay == "none") return warmth;
  if (config_.decay == "one-cycle") return one_cycle(steps, most_steps_);
  const double by_steps = most_steps_ > 0 ? done / static_cast<double>(most_steps_) : 0,
               by_minutes = most_minutes_ > 0 ? minutes / most_minutes_ : 0;
  const double progress = std::max(by_steps, by_minutes);
  if (warming || progress < 1 - config_.decay_share) {
    begin_ = end_ = -1;
    return warmth;
  }
  if (begin_ < 0) {
    begin_ = steps;
    const double left = progress > 0 ? std::max(0.0, 1 - progress) / progress * done : 0;
    end_ = by_steps >= by_minutes ? most_steps_ : steps + std::max<int64_t>(1, std::llround(left));
  }
  const double x = std::clamp(
      static_cast<double>(steps - begin_) / static_cast<double>(std::max<int64_t>(1, end_ - begin_)), 0.0, 1.0);
  return config_.decay == "linear" ? 1 - x : cosine(x);
}

Fields Schedule::state() {
  const auto step = [](const char* name, int64_t* value, const char* help) {
    return renamed(number(name, value, -1, largest_exact, help), name);  // older checkpoints have no decay
  };
  return {step("decay_begin", &begin_, "step after which the learning rate falls; -1: not yet"),
          step("decay_end", &end_, "step after which it is zero; -1: not yet")};
}

double one_cycle(int64_t step, int64_t steps) {
  constexpr double rise = 0.3, first = 1.0 / 25, last = first * 1e-4;
  const double top = rise * static_cast<double>(steps) - 1, end = static_cast<double>(steps) - 1,
               at = std::min(static_cast<double>(step), end);
  const auto between = [](double from, double to, double x) { return to + (from - to) * cosine(x); };
  return at <= top ? between(first, 1, at / top) : between(1, last, (at - top) / (end - top));
}

}  // namespace sunder
