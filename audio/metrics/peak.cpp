#include "audio/metrics/peak.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/error.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

// NaN where a sample is not finite.
SUNDER_SIMD double peak_or_nan(const double* x, size_t count) {
  double peak = 0, nothing = 0;
#pragma omp simd reduction(max : peak) reduction(+ : nothing)
  for (size_t t = 0; t < count; ++t) {
    peak = std::max(peak, std::abs(x[t]));
    nothing += 0 * x[t];
  }
  return peak + nothing;
}

}  // namespace

double finite_peak(const char* op, const char* name, std::span<const double> signal) {
  const double peak = peak_or_nan(signal.data(), signal.size());
  if (!std::isnan(peak)) return peak;
  const auto broken = std::find_if_not(signal.begin(), signal.end(), [](double x) { return std::isfinite(x); });
  throw_error("[{}] expected {} of finite samples, got {} at sample {}", op, name, *broken, broken - signal.begin());
}

double gain_to_unit_peak(double peak) { return 1 / std::max(peak, std::numeric_limits<double>::min()); }

}  // namespace sunder
