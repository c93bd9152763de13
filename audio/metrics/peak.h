// Peak and scaling of signals, for metrics that do not depend on the level.
#pragma once

#include <span>

namespace sunder {

// The largest magnitude of a signal, 0 for none. Throws Error "[op] expected `name` of finite samples, got nan at
// sample 5" for a sample that is not finite.
double finite_peak(const char* op, const char* name, std::span<const double> signal);

// The gain that brings a signal to a peak of 1, as nearly as a double can, so that squares of samples neither overflow
// nor underflow. peak: above 0.
double gain_to_unit_peak(double peak);

}  // namespace sunder
