#pragma once

#include "tensor/dispatch.h"
#include "tensor/host_device.h"
#include "tensor/tensor.h"

namespace sunder {

struct RoomOptions {
  double sample_rate = 8000;    // Hz, at least 1000
  int64_t length = 8192;        // samples of a response
  double sound_velocity = 343;  // m/s
  bool high_pass = true;        // Allen and Berkley's, from 100 Hz
};

// The largest |result - formula| of an image, relative to its amplitude (see room_moments).
inline constexpr double room_responses_error = 1e-13;
// The least distance of a source and a microphone in metres; the formula is singular where they coincide.
inline constexpr double room_min_distance = 1e-3;

// Impulse responses of shoebox rooms from omnidirectional sources to omnidirectional microphones, by the image method
// without a limit on reflections: all walls have the pressure reflection coefficient beta, from t60 by Sabine's
// formula; images at (1 - 2 q) source - microphone + 2 m room of amplitude beta^(|m - q| + |m| ...) / (4 pi distance),
// each placed by a windowed sinc of 8 ms. SMS-WSJ was generated with it. Source: Allen and Berkley, JASA 65, 1979;
// ehabets/RIR-Generator as SMS-WSJ calls it. No gradient. Computed in float64 whatever the type, the same bits with any
// number of threads. rooms: (N, 3) m; sources: (N, S, 3) and microphones: (N, M, 3), m from one corner; t60: (N) s;
// float32 or float64. Result: (N, S, M, length), as the inputs. Throws Error for other shapes or types and, on the CPU,
// for a t60 that is too short for its room (room_absorption > 1), a source or microphone outside, or a pair of them
// closer than room_min_distance; on CUDA the response of such a room is NaN or meaningless.
Tensor room_responses(const Tensor& rooms, const Tensor& sources, const Tensor& microphones, const Tensor& t60,
                      const RoomOptions& options = {});

// The energy absorption coefficient of the walls of a room (x, y, z m) for this t60: Sabine's 24 V ln 10 / (c S t60).
SUNDER_HOST_DEVICE double room_absorption(double x, double y, double z, double t60, double sound_velocity = 343) {
  constexpr double ln10 = 2.302585092994046;
  return 24 * (x * y * z) * ln10 / (sound_velocity * 2 * (x * y + y * z + z * x) * t60);
}

// How the kernels work: all images whose delay has the integer part j differ only in the fraction, and tap n of the
// windowed sinc is a polynomial in the fraction. So an image adds its amplitude times 1, x, x^2, ... to row j of the
// moments, with x = 2 fraction - 1, and `taps` (room_moments, taps of a window) turns rows into samples: sample j + 1 -
// taps / 2 + n gets the sum over k of taps[k][n] * moment[j][k]. 16 terms, from Chebyshev's: the sinc is band limited,
// so the rest is 2 (pi/4 + pi/(2 taps))^16 / 16! < 1e-13 for 8 taps or more, 4e-15 for 64.
inline constexpr int room_moments = 16;

struct RoomFilters {
  Tensor taps;                  // (room_moments, taps) float64, on the result's stream
  double feed1 = 0, feed2 = 0;  // the high-pass: y[n] = x[n] + feed1 y[n-1] + feed2 y[n-2],
  double mix1 = 0, mix2 = 0;    // out[n] = y[n] + mix1 y[n-1] + mix2 y[n-2]; all zero: none
};

SUNDER_KERNEL(room_responses, const Tensor& rooms, const Tensor& sources, const Tensor& microphones, const Tensor& t60,
              const RoomOptions& options, const RoomFilters& filters, Tensor& responses)

}  // namespace sunder
