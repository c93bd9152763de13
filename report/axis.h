// The numbers along a plot's axis.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace sunder {

// The smallest of 1, 2 and 5 times a power of ten that is not below `rough` (> 0).
double round_step(double rough);
// Decimals that tell multiples of a round step apart.
int step_decimals(double step);

struct Tick {
  double value;
  std::string text;
};

// Multiples of a round step from low to high, about `wanted` of them.
std::vector<Tick> round_ticks(double low, double high, int wanted);

struct Bounds {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value);  // values that are not finite do not count
  // Room around the values, and around a single one too; 0 to 1 if there is none.
  void widen(double share);
};

}  // namespace sunder
