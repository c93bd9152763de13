#include "report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/markup.h"

namespace sunder {

double round_step(double rough) {
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * 0.999) return factor * power;
  return 10 * power;
}

int step_decimals(double step) { return std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9))); }

std::vector<Tick> round_ticks(double low, double high, int wanted) {
  const double step = round_step((high - low) / wanted);
  const int decimals = step_decimals(step);
  const double largest = std::max(std::abs(low), std::abs(high));
  const bool plain = decimals <= 4 && largest < 1e6;
  const int digits = std::max(3, 1 + static_cast<int>(std::ceil(std::log10(largest / step))));
  std::vector<Tick> ticks;
  for (double k = std::ceil(low / step - 1e-6); k * step <= high + 1e-6 * step; ++k) {
    const double value = k == 0 ? 0 : k * step;  // never "-0"
    ticks.push_back({value, plain ? fmt::format("{:.{}f}", value, decimals) : fmt::format("{:.{}g}", value, digits)});
  }
  return ticks;
}

std::vector<Tick> logarithmic_ticks(double low, double high) {
  const auto multiples = [&](const std::vector<double>& factors) {
    std::vector<Tick> ticks;
    for (double power = std::floor(low); power <= high; ++power)
      for (const double factor : factors)
        if (const double value = power + std::log10(factor); value >= low && value <= high)
          ticks.push_back({value, fmt::format("{:.3g}", factor * std::pow(10, power))});
    return ticks;
  };
  std::vector<Tick> ticks = multiples({1, 2, 5});
  if (ticks.size() > 6) ticks = multiples({1});
  if (ticks.empty())
    for (const double value : {low, high}) ticks.push_back({value, fmt::format("{:.3g}", std::pow(10, value))});
  return ticks;
}

std::string axis_number(double value) {
  return value == std::round(value) && std::abs(value) < 1e15 ? format_count(static_cast<int64_t>(value))
                                                              : fmt::format("{:.6g}", value);
}

void Bounds::add(double value) {
  if (!std::isfinite(value)) return;
  low = std::min(low, value);
  high = std::max(high, value);
}

void Bounds::widen(double share) {
  if (low > high) low = 0, high = 1;
  double room = (high - low) * share;
  if (high - low <= 1e-12 * std::max(std::abs(low), std::abs(high))) room = std::max(0.5, 0.1 * std::abs(high));
  low -= room;
  high += room;
}

}  // namespace sunder
