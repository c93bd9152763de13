#include "audio/metrics/kaiser_resampler.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "tensor/error.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int highest_rate = 192000;
constexpr double rejection = 60;      // dB
constexpr double roll_off = 1 / 10.;  // of the cut-off
constexpr int64_t vector = 16;        // taps, filled up with zeros

// The modified Bessel function of order 0, by its series (Abramowitz and Stegun 9.6.12); x below 10 here.
double bessel_i0(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= x / (2 * k) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

std::vector<double> low_pass(int64_t up, int64_t down) {
  const double cut_off = 0.5 / static_cast<double>(std::max(up, down));
  const auto half = static_cast<int64_t>(std::ceil((rejection - 8) / (28.714 * cut_off * roll_off)));
  const double beta = 0.1102 * (rejection - 8.7);
  std::vector<double> taps(2 * half + 1);
  for (int64_t i = 0; i <= 2 * half; ++i) {
    const double t = static_cast<double>(i - half), angle = 2 * std::numbers::pi * cut_off * t;
    const double side = t / static_cast<double>(half);
    taps[i] = (t == 0 ? 1 : std::sin(angle) / angle) * bessel_i0(beta * std::sqrt(1 - side * side));
  }
  const double scale = static_cast<double>(up) / std::accumulate(taps.begin(), taps.end(), 0.0);
  for (double& tap : taps) tap *= scale;
  return taps;
}

// Every `up`-th output has the same taps, and its samples lie `down` apart: result[m * up] = taps on x[m * down] and
// the samples behind it. Four at a time, so that no sum waits for the one before.
SUNDER_SIMD void apply(const double* x, const double* taps, int64_t tap_count, int64_t up, int64_t down, int64_t count,
                       double* result) {
  int64_t m = 0;
  for (; m + 4 <= count; m += 4, x += 4 * down) {
    double a = 0, b = 0, c = 0, d = 0;
#pragma omp simd reduction(+ : a, b, c, d)
    for (int64_t i = 0; i < tap_count; ++i) {
      a += taps[i] * x[i];
      b += taps[i] * x[i + down];
      c += taps[i] * x[i + 2 * down];
      d += taps[i] * x[i + 3 * down];
    }
    result[m * up] = a;
    result[(m + 1) * up] = b;
    result[(m + 2) * up] = c;
    result[(m + 3) * up] = d;
  }
  for (; m < count; ++m, x += down) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < tap_count; ++i) sum += taps[i] * x[i];
    result[m * up] = sum;
  }
}

}  // namespace

KaiserResampler::KaiserResampler(int from, int to) {
  for (const int rate : {from, to})
    if (rate < 1 || rate > highest_rate)
      throw_error("[resample] expected sample rates from 1 to {} Hz, got {} and {}", highest_rate, from, to);
  up_ = to / std::gcd(from, to);
  down_ = from / std::gcd(from, to);
  if (up_ == down_) return;
  // Output n is the sum over samples i of h[n q - i p + half] x[i]: with n q = a p + phase, i runs from
  // a + ceil((phase - half) / p) while the index is not negative.
  const std::vector<double> h = low_pass(up_, down_);
  const auto half = static_cast<int64_t>(h.size()) / 2;
  taps_ = (2 * half / up_ + 1 + vector - 1) / vector * vector;
  phases_.assign(up_ * taps_, 0.0);
  for (int64_t phase = 0; phase < up_; ++phase) {
    first_.push_back(-((half - phase) / up_));
    for (int64_t i = 0, at = phase - first_[phase] * up_ + half; at >= 0; ++i, at -= up_)
      phases_[phase * taps_ + i] = h[at];
  }
}

std::vector<double> KaiserResampler::operator()(std::span<const double> signal, double gain) const {
  const auto length = static_cast<int64_t>(signal.size()), count = (length * up_ + down_ - 1) / down_;
  std::vector<double> padded(length + 2 * taps_ + 1, 0.0);
  std::transform(signal.begin(), signal.end(), padded.begin() + taps_, [gain](double x) { return gain * x; });
  if (up_ == down_) {
    padded.resize(length);
    return padded;
  }
  std::vector<double> result(count);
  for (int64_t phase = 0; phase < std::min(up_, count); ++phase) {  // of output n: n q mod p
    const int64_t at = phase * down_, of_phase = at % up_;
    apply(padded.data() + taps_ + at / up_ + first_[of_phase], phases_.data() + of_phase * taps_, taps_, up_, down_,
          (count - phase + up_ - 1) / up_, result.data() + phase);
  }
  return result;
}

}  // namespace sunder
