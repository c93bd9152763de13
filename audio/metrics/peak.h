// What metrics that do not know levels ask of a signal before they begin.
#pragma once

#include <span>

namespace sunder {

// The largest magnitude of a signal, 0 for none. Throws Error "[op] expected `name` of finite samples, got nan at
// sample 5" for a sample that is not finite.
double finite_peak(const char* op, const char* name, std::span<const double> signal);

// What brings a signal to a peak of 1, as near as a double can; squares of the smallest and largest samples then stay
// within its range. peak: above 0.
double gain_to_unit_peak(double peak);

}  // namespace sunder
