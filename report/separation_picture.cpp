#include "report/separation_picture.h"

#include <algorithm>

#include "report/heat_map.h"
#include "report/markup.h"
#include "report/plot_frame.h"

namespace sunder {
namespace {

// Pixels.
constexpr int plot_width = 1160, plot_height = 280;
constexpr double title_height = 52, heading_height = 42, panel_pitch = heading_height + plot_height + 14;
constexpr double bar_gap = 30, bar_width = 26, bar_margin = 120;  // of the colour bar; its numbers stand in the margin

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

Spectrogram separation_spectrogram(int sample_rate, std::optional<int64_t> samples) {
  return {sample_rate, plot_width, samples};
}

PlotFrame separation_frame(int64_t samples, int sample_rate, size_t signal) {
  return {{plot_margins::left, title_height + heading_height + static_cast<double>(signal) * panel_pitch, plot_width,
           plot_height},
          {0, static_cast<double>(samples) / sample_rate},
          {0, sample_rate / 2000.0}};
}

Picture draw_separation(const std::string& title, const std::vector<std::span<const float>>& signals, int sample_rate) {
  std::vector<Tensor> levels;
  for (const auto& signal : signals) levels.push_back(spectrogram_levels(signal, sample_rate, plot_width));
  return draw_separation(title, levels, signals.empty() ? 0 : static_cast<int64_t>(signals[0].size()), sample_rate);
}

Picture draw_separation(const std::string& title, const std::vector<Tensor>& levels, int64_t samples, int sample_rate) {
  if (levels.empty()) throw Error("[draw_separation] expected the mixture and its estimates, got no signal");
  const PlotFrame first = separation_frame(samples, sample_rate, 0);
  const PlotFrame last = separation_frame(samples, sample_rate, levels.size() - 1);
  const double right = first.box.x + plot_width, bottom = last.box.y + plot_height;
  Picture picture(static_cast<int>(right + bar_gap + bar_width + bar_margin),
                  static_cast<int>(bottom + plot_margins::bottom));
  const TextStyle style{.color = ink::black, .size = 26, .bold = true};
  picture.text({first.box.x, title_height / 2 + 2}, fit_text(title, style, plot_width), style);
  double loudest = 0;
  for (size_t i = 0; i < levels.size(); ++i) {
    const PlotFrame frame = separation_frame(samples, sample_rate, i);
    const double* values = levels[i].data<double>();
    if (i == 0) loudest = *std::max_element(values, values + levels[i].numel());
    picture.paste(draw_heat_map(levels[i], loudest - spectrogram_range_db, loudest, plot_width, plot_height),
                  static_cast<int>(frame.box.x), static_cast<int>(frame.box.y));
    draw_border(picture, frame);
    draw_x_ticks(picture, frame, round_ticks(frame.x.low, frame.x.high, 10), i + 1 == levels.size());
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
