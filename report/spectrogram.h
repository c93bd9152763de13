// Levels of a signal over time and frequency, for pictures.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nn/stft.h"

namespace sunder {

// Takes a signal block by block. What it holds does not grow with the signal.
class Spectrogram {
 public:
  // `samples`: how many will come. Where that is not known, a column may stand for up to twice as many frames as
  // needed.
  Spectrogram(int sample_rate, int64_t max_columns, std::optional<int64_t> samples);

  void push(std::span<const float> signal);
  // The signal ends here. Levels in dB: (T, F), T at most `max_columns`: where a column stands for many frames it shows
  // the loudest of them. Silence is -200 dB. Throws Error where other than `samples` samples came.
  Tensor finish();

 private:
  int64_t piece_samples() const;
  void add_piece(int64_t begin, int64_t end, int64_t frames);
  double* column_of(int64_t frame);
  void halve();

  const Stft stft_;
  const int64_t max_columns_;
  const std::optional<int64_t> samples_;
  int64_t frames_ = 0, columns_ = 0;  // where the length is known
  int64_t group_ = 1;                 // frames a column, where it is not
  std::vector<double> power_;         // a column's bins side by side
  std::vector<float> held_;
  int64_t held_begin_ = 0, pushed_ = 0, first_ = 0;  // samples, samples, the next piece's first frame
};

// The same of a whole signal of at least one sample.
Tensor spectrogram_levels(std::span<const float> signal, int sample_rate, int64_t max_columns);

}  // namespace sunder
