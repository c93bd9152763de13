// The distance of two spectra by real part, imaginary part and magnitude, which mixture_constraint and pit_ri_mag sum,
// on both devices (arXiv 2402.09313, eq. 5).
#pragma once

#include <cmath>

#include "tensor/host_device.h"

namespace sunder {

template <class T>
struct RiMag {
  T distance;
  T slope_re, slope_im;  // its derivatives with respect to the estimate's parts
};

template <class T>
SUNDER_HOST_DEVICE T magnitude_of(T re, T im) {
  return std::sqrt(re * re + im * im);
}

template <class T>
SUNDER_HOST_DEVICE T sign_of(T x) {
  return x > T(0) ? T(1) : x < T(0) ? T(-1) : T(0);
}

// |Re d| + |Im d| + ||target| - |estimate||, d = target - estimate. The sign of 0 is 0, and so is the slope of the
// magnitude at 0; `level` is the target's magnitude.
template <class T>
SUNDER_HOST_DEVICE RiMag<T> ri_mag(T target_re, T target_im, T level, T re, T im) {
  const T magnitude = magnitude_of(re, im), d_re = target_re - re, d_im = target_im - im, d = level - magnitude;
  const T turn = magnitude > T(0) ? sign_of(d) / magnitude : T(0);
  return {std::abs(d_re) + std::abs(d_im) + std::abs(d), -sign_of(d_re) - turn * re, -sign_of(d_im) - turn * im};
}

// The factor of a sum of distances: 1 / sum, or 0 where the mixture is silent, which makes the loss 0.
SUNDER_HOST_DEVICE double ri_mag_scale(double level_sum) { return level_sum > 0 ? 1 / level_sum : 0.0; }

}  // namespace sunder
