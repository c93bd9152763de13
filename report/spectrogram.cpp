#include "report/spectrogram.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"

namespace sunder {
namespace {

constexpr int64_t frames_at_a_time = 2000;
constexpr double frame_seconds = 0.032;  // resolves the harmonics of a voice, and its syllables
constexpr double silence = 1e-20;        // power

int64_t frame_length(int sample_rate) {
  int64_t length = 64;
  while (static_cast<double>(length) < frame_seconds * sample_rate) length *= 2;
  return length;
}

}  // namespace

Spectrogram::Spectrogram(int sample_rate, int64_t max_columns, std::optional<int64_t> samples)
    : stft_({.n_fft = frame_length(sample_rate), .hop_length = frame_length(sample_rate) / 8}),
      max_columns_(max_columns),
      samples_(samples) {
  if (!samples) return;
  frames_ = std::max(*samples, stft_.shortest_signal()) / stft_.config().hop_length + 1;
  columns_ = std::min(frames_, max_columns);
  power_.resize(columns_ * stft_.bins(), silence);
}

int64_t Spectrogram::piece_samples() const {
  return frames_at_a_time * stft_.config().hop_length + stft_.shortest_signal();
}

void Spectrogram::push(std::span<const float> signal) {
  const int64_t hop = stft_.config().hop_length;
  while (!signal.empty()) {
    const int64_t wanted = first_ * hop + piece_samples() - pushed_;
    const auto part = signal.first(static_cast<size_t>(std::min(wanted, static_cast<int64_t>(signal.size()))));
    held_.insert(held_.end(), part.begin(), part.end());
    pushed_ += static_cast<int64_t>(part.size());
    signal = signal.subspan(part.size());
    if (static_cast<int64_t>(part.size()) < wanted) return;
    add_piece(first_ * hop, pushed_, pushed_ / hop + 1);
    first_ += frames_at_a_time;
    // The last piece may begin a little before its first frame.
    const int64_t kept_from = first_ * hop - stft_.shortest_signal();
    held_.erase(held_.begin(), held_.begin() + (kept_from - held_begin_));
    held_begin_ = kept_from;
  }
}

Tensor Spectrogram::finish() {
  if (samples_ && pushed_ != *samples_) throw_error("[spectrogram] expected {} samples, got {}", *samples_, pushed_);
  const int64_t hop = stft_.config().hop_length, bins = stft_.bins();
  const int64_t samples = std::max(pushed_, stft_.shortest_signal()), frames = samples / hop + 1;
  held_.resize(samples - held_begin_, 0.0f);
  for (; first_ < frames; first_ += frames_at_a_time) {
    const int64_t begin = std::min(first_ * hop, samples - stft_.shortest_signal());
    add_piece(begin, std::min(begin + piece_samples(), samples), frames);
  }
  if (!samples_) {
    const int64_t groups = (frames + group_ - 1) / group_, columns = std::min(groups, max_columns_);
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t f = 0; f < bins; ++f) {
        double& value = power_[g * columns / groups * bins + f];
        value = g * columns / groups == (g - 1) * columns / groups && g > 0 ? std::max(value, power_[g * bins + f])
                                                                            : power_[g * bins + f];
      }
    columns_ = columns;
    power_.resize(columns * bins);
  }
  for (double& value : power_) value = 10 * std::log10(value);
  return Tensor::from(power_, {columns_, bins});
}

// Frame t is centred on sample t * hop; the borders of a piece are mirrored, which no eye will see.
void Spectrogram::add_piece(int64_t begin, int64_t end, int64_t frames) {
  const std::vector<float> piece(held_.begin() + (begin - held_begin_), held_.begin() + (end - held_begin_));
  const Tensor spectrum = stft_.forward(Tensor::from(piece, {end - begin}));
  const complex64* values = spectrum.data<complex64>();
  const int64_t offset = begin / stft_.config().hop_length, bins = stft_.bins();
  const int64_t count = std::min(spectrum.size(0), frames - offset);
  for (int64_t t = 0; t < count; ++t) {
    double* column = column_of(offset + t);
    for (int64_t f = 0; f < bins; ++f) column[f] = std::max<double>(column[f], std::norm(values[t * bins + f]));
  }
}

double* Spectrogram::column_of(int64_t frame) {
  const int64_t bins = stft_.bins();
  if (samples_) return &power_[frame * columns_ / frames_ * bins];
  while (frame / group_ >= 2 * max_columns_) halve();
  const int64_t column = frame / group_;
  if (const size_t size = (column + 1) * bins; power_.size() < size) power_.resize(size, silence);
  return &power_[column * bins];
}

// Each column stands for twice as many frames from now on.
void Spectrogram::halve() {
  const int64_t bins = stft_.bins(), columns = static_cast<int64_t>(power_.size()) / bins;
  for (int64_t c = 0; c < columns; ++c)
    for (int64_t f = 0; f < bins; ++f) {
      double& value = power_[c / 2 * bins + f];
      value = c % 2 == 0 ? power_[c * bins + f] : std::max(value, power_[c * bins + f]);
    }
  power_.resize((columns + 1) / 2 * bins);
  group_ *= 2;
}

Tensor spectrogram_levels(std::span<const float> signal, int sample_rate, int64_t max_columns) {
  Spectrogram spectrogram(sample_rate, max_columns, static_cast<int64_t>(signal.size()));
  spectrogram.push(signal);
  return spectrogram.finish();
}

}  // namespace sunder
