// What STOI compares: magnitudes of one-third-octave bands of the frames in which the reference speaks (Taal, Hendriks,
// Heusdens and Jensen 2011, framed as in the Python package pystoi).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sunder {

inline constexpr int third_octave_rate = 10000;     // Hz
inline constexpr int64_t third_octave_bands = 15;   // from 150 Hz up
inline constexpr int64_t third_octave_padding = 8;  // zeros after the frames

// (bands, frames + padding)
struct ThirdOctaves {
  std::vector<double> values;
  int64_t frames = 0;
  int64_t stride() const { return frames + third_octave_padding; }
};

struct ThirdOctavePair {
  ThirdOctaves reference, estimate;  // with the same number of frames
};

// reference, estimate: (L) at 10 kHz. Frames of 256 samples start at 0, 128, ... below L - 256, under Hann's window.
// Those in which the reference lies more than 40 dB below its loudest one are left out of both; the others are
// overlap-added 128 samples apart and framed again in the same way, with one frame less.
ThirdOctavePair third_octaves_of_speech(std::span<const double> reference, std::span<const double> estimate);

}  // namespace sunder
