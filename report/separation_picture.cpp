#include "report/separation_picture.h"

#include <algorithm>
#include <cmath>

#include "nn/stft.h"
#include "report/plot.h"

namespace sunder {
namespace {

constexpr int64_t widest = 1200;            // as a spectrogram with axes is drawn
constexpr int64_t frames_at_a_time = 2000;  // of a long recording, to keep its spectrum out of memory
constexpr double frame_seconds = 0.032;     // shows a voice's harmonics as lines and its syllables apart
constexpr double silence = 1e-20;           // power

int64_t frame_length(int sample_rate) {
  int64_t length = 64;
  while (static_cast<double>(length) < frame_seconds * sample_rate) length *= 2;
  return length;
}

}  // namespace

Tensor spectrogram_levels(std::span<const float> signal, int sample_rate, int64_t max_columns) {
  const Stft stft({.n_fft = frame_length(sample_rate), .hop_length = frame_length(sample_rate) / 8});
  const auto samples = std::max<int64_t>(static_cast<int64_t>(signal.size()), stft.shortest_signal());
  const int64_t hop = stft.config().hop_length, bins = stft.bins();
  const int64_t frames = samples / hop + 1, columns = std::min(frames, max_columns);
  std::vector<double> power(columns * bins, silence);
  for (int64_t first = 0; first < frames; first += frames_at_a_time) {
    // Frame t is centred on sample t * hop; the borders of a piece are mirrored, which no eye will see.
    const int64_t begin = std::min(first * hop, samples - stft.shortest_signal());
    const int64_t end = std::min(begin + frames_at_a_time * hop + stft.shortest_signal(), samples);
    std::vector<float> piece(end - begin, 0.0f);
    const auto here = std::min<int64_t>(end, static_cast<int64_t>(signal.size()));
    if (begin < here) std::copy(signal.begin() + begin, signal.begin() + here, piece.begin());
    const Tensor spectrum = stft.forward(Tensor::from(piece, {end - begin}));
    const complex64* values = spectrum.data<complex64>();
    const int64_t offset = begin / hop, count = std::min(spectrum.size(0), frames - offset);
    for (int64_t t = 0; t < count; ++t) {
      double* column = &power[(offset + t) * columns / frames * bins];
      for (int64_t f = 0; f < bins; ++f) column[f] = std::max<double>(column[f], std::norm(values[t * bins + f]));
    }
  }
  for (double& value : power) value = 10 * std::log10(value);
  return Tensor::from(power, {columns, bins});
}

Picture draw_separation(const std::string& title, const std::vector<std::span<const float>>& signals, int sample_rate) {
  SpectrogramStyle style;
  style.seconds = static_cast<double>(signals[0].size()) / sample_rate;
  style.kilohertz = sample_rate / 2000.0;
  style.low_db = -spectrogram_range_db;
  std::vector<Picture> panels;
  double loudest = 0;
  for (size_t i = 0; i < signals.size(); ++i) {
    const Tensor db = spectrogram_levels(signals[i], sample_rate, widest);
    double* values = db.mutable_data<double>();
    if (i == 0) loudest = *std::max_element(values, values + db.numel());
    for (int64_t k = 0; k < db.numel(); ++k) values[k] -= loudest;
    style.title = i == 0 ? fmt::format("{}: mixture", title) : fmt::format("{}: estimate {}", title, i);
    panels.push_back(draw_spectrogram(db, style));
  }
  int height = 0;
  for (const Picture& panel : panels) height += panel.height();
  Picture picture(panels[0].width(), height);
  int top = 0;
  for (const Picture& panel : panels) {
    picture.paste(panel, 0, top);
    top += panel.height();
  }
  return picture;
}

}  // namespace sunder
