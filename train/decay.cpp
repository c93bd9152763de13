#include "train/decay.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sunder {

Fields fields(DecayConfig& c) {
  return {text("decay", &c.decay, "how the learning rate falls to zero at the end of the run",
               {"none", "linear", "cosine"}),
          number("decay_share", &c.decay_share, 0.001, 1, "share of max_epochs or max_minutes in which it falls")};
}

double Decay::factor(int64_t steps, double minutes) {
  if (config_.decay == "none") return 1;
  const auto done = static_cast<double>(steps);
  const double by_steps = most_steps_ > 0 ? done / static_cast<double>(most_steps_) : 0,
               by_minutes = most_minutes_ > 0 ? minutes / most_minutes_ : 0;
  const double progress = std::max(by_steps, by_minutes);
  if (progress < 1 - config_.decay_share) {
    begin_ = end_ = -1;
    return 1;
  }
  if (begin_ < 0) {
    begin_ = steps;
    const double left = std::max(0.0, 1 - progress) / progress * done;
    end_ = by_steps >= by_minutes ? most_steps_ : steps + std::max<int64_t>(1, std::llround(left));
  }
  const double x = std::clamp(
      static_cast<double>(steps - begin_) / static_cast<double>(std::max<int64_t>(1, end_ - begin_)), 0.0, 1.0);
  return config_.decay == "linear" ? 1 - x : 0.5 * (1 + std::cos(std::numbers::pi * x));
}

Fields Decay::state() {
  const auto step = [](const char* name, int64_t* value, const char* help) {
    return renamed(number(name, value, -1, largest_exact, help), name);  // older checkpoints have no decay
  };
  return {step("decay_begin", &begin_, "step after which the learning rate falls; -1: not yet"),
          step("decay_end", &end_, "step after which it is zero; -1: not yet")};
}

}  // namespace sunder
