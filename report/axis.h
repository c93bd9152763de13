// Ticks and numbers of a plot's axis.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace sunder {

// The smallest of 1, 2 and 5 times a power of ten that is not below `rough` (> 0).
double round_step(double rough);
// Decimals needed to tell multiples of a round step apart.
int step_decimals(double step);

struct Tick {
  double value;
  std::string text;
};

// Multiples of a round step from low to high, about `wanted` of them.
std::vector<Tick> round_ticks(double low, double high, int wanted);

// On a logarithmic axis from 10^low to 10^high: 1, 2 and 5 times powers of ten, or powers alone where these are many;
// values are log10 of them. The ends where none lies between them.
std::vector<Tick> logarithmic_ticks(double low, double high);

// A value of an axis of counts: "12,000", "2.5".
std::string axis_number(double value);

struct Bounds {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value);  // values that are not finite do not count
  // Adds a share of the range on both sides; a single value gets a range too, no value 0 to 1.
  void widen(double share);
};

}  // namespace sunder
