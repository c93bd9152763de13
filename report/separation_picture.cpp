#include "report/separation_picture.h"

#include <algorithm>
#include <cmath>

#include "nn/stft.h"
#include "report/heat_map.h"
#include "report/markup.h"
#include "report/plot_frame.h"

namespace sunder {
namespace {

// Pixels.
constexpr int plot_width = 1160, plot_height = 280;
constexpr double title_height = 52, heading_height = 42, panel_pitch = heading_height + plot_height + 14;
constexpr double bar_gap = 30, bar_width = 26, bar_margin = 120;  // of the colour bar; its numbers stand in the margin

constexpr int64_t frames_at_a_time = 2000;  // limits the memory for a long recording
constexpr double frame_seconds = 0.032;     // resolves the harmonics of a voice, and its syllables
constexpr double silence = 1e-20;           // power

int64_t frame_length(int sample_rate) {
  int64_t length = 64;
  while (static_cast<double>(length) < frame_seconds * sample_rate) length *= 2;
  return length;
}

void draw_color_bar(Picture& picture, const Box& box) {
  const PlotFrame frame{box, {0, 1}, {-spectrogram_range_db, 0}};
  const auto rows = static_cast<int>(box.height);
  for (int row = 0; row < rows; ++row)
    picture.fill({box.x, box.y + row, box.width, 1}, heat_color(1 - (row + 0.5) / rows));
  draw_border(picture, frame);
  const double right = box.x + box.width;
  for (const Tick& tick : round_ticks(frame.y.low, frame.y.high, 7)) {
    const double y = frame.at_y(tick.value);
    picture.line({{right, y}, {right + 6, y}}, {ink::black, 1.5});
    picture.text({right + 12, y}, with_minus(tick.text), {.color = ink::black});
  }
  picture.text({right + 84, box.y + box.height / 2}, "level relative to the mixture's loudest (dB)",
               {.color = ink::grey, .align = Align::center, .upwards = true});
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

PlotFrame separation_frame(const std::vector<std::span<const float>>& signals, int sample_rate, size_t signal) {
  const auto samples = static_cast<double>(signals[0].size());
  return {{plot_margins::left, title_height + heading_height + static_cast<double>(signal) * panel_pitch, plot_width,
           plot_height},
          {0, samples / sample_rate},
          {0, sample_rate / 2000.0}};
}

Picture draw_separation(const std::string& title, const std::vector<std::span<const float>>& signals, int sample_rate) {
  if (signals.empty()) throw Error("[draw_separation] expected the mixture and its estimates, got no signal");
  const PlotFrame first = separation_frame(signals, sample_rate, 0);
  const PlotFrame last = separation_frame(signals, sample_rate, signals.size() - 1);
  const double right = first.box.x + plot_width, bottom = last.box.y + plot_height;
  Picture picture(static_cast<int>(right + bar_gap + bar_width + bar_margin),
                  static_cast<int>(bottom + plot_margins::bottom));
  const TextStyle style{.color = ink::black, .size = 26, .bold = true};
  picture.text({first.box.x, title_height / 2 + 2}, fit_text(title, style, plot_width), style);
  double loudest = 0;
  for (size_t i = 0; i < signals.size(); ++i) {
    const PlotFrame frame = separation_frame(signals, sample_rate, i);
    const Tensor db = spectrogram_levels(signals[i], sample_rate, plot_width);
    const double* values = db.data<double>();
    if (i == 0) loudest = *std::max_element(values, values + db.numel());
    picture.paste(draw_heat_map(db, loudest - spectrogram_range_db, loudest, plot_width, plot_height),
                  static_cast<int>(frame.box.x), static_cast<int>(frame.box.y));
    draw_border(picture, frame);
    draw_x_ticks(picture, frame, round_ticks(frame.x.low, frame.x.high, 10), i + 1 == signals.size());
    draw_y_ticks(picture, frame, round_ticks(frame.y.low, frame.y.high, 4));
    draw_y_label(picture, frame, "frequency (kHz)");
    picture.text({frame.box.x, frame.box.y - heading_height / 2 + 3},
                 i == 0 ? "mixture" : fmt::format("estimate {}", i), {.color = ink::black, .size = 20, .bold = true});
  }
  draw_x_label(picture, last, "time (s)");
  draw_color_bar(picture, {right + bar_gap, first.box.y, bar_width, bottom - first.box.y});
  return picture;
}

}  // namespace sunder
