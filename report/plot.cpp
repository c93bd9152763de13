#include "report/plot.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/axis.h"

namespace sunder {

namespace {

constexpr Color black = {20, 20, 24}, grey = {110, 110, 118}, faint = {226, 226, 230};
constexpr int gap = 8;  // between a plot, its ticks and their labels
constexpr int tick = 5;
constexpr double range_db = 80;

// Dark to bright with rising lightness, so that it also reads in grey.
constexpr Color heat[] = {{4, 4, 16}, {58, 14, 92}, {146, 32, 92}, {222, 84, 48}, {250, 176, 54}, {255, 252, 216}};

// Few enough colours for a palette, which makes a PNG half as large; half a dB of 70 is no step that an eye sees.
constexpr int heat_steps = 140;

// Okabe and Ito's colours, told apart by colour-blind readers too.
constexpr Color palette[] = {{0, 114, 178},   {213, 94, 0},  {0, 158, 115},
                             {204, 121, 167}, {230, 159, 0}, {86, 180, 233}};

struct Axis {
  double low, high;
  int begin, end;  // pixels; end < begin where values rise upwards
  double pixel(double value) const { return begin + (value - low) / (high - low) * (end - begin); }
};

std::vector<Tick> ticks(const Axis& axis, int wanted) { return round_ticks(axis.low, axis.high, wanted); }

void draw_x_axis(Picture& picture, const Axis& axis, int y, const std::string& label) {
  const int width = std::abs(axis.end - axis.begin);
  for (const auto& [value, text] : ticks(axis, std::max(2, width / 110))) {
    const int x = static_cast<int>(std::lround(axis.pixel(value)));
    picture.fill(x, y, 1, tick, black);
    picture.text(x - text_width(text) / 2, y + tick + gap / 2, text, black);
  }
  picture.text((axis.begin + axis.end - text_width(label)) / 2, y + tick + gap + text_height() + gap / 2, label, grey);
}

void draw_y_axis(Picture& picture, const Axis& axis, int x, const std::string& label) {
  int widest = 0;
  for (const auto& [value, text] : ticks(axis, std::max(2, std::abs(axis.end - axis.begin) / 60))) {
    const int y = static_cast<int>(std::lround(axis.pixel(value)));
    picture.fill(x - tick, y, tick, 1, black);
    picture.text(x - tick - gap / 2 - text_width(text), y - text_height() / 2, text, black);
    widest = std::max(widest, text_width(text));
  }
  picture.text(std::max(gap / 2, x - tick - gap - widest - text_height() - gap / 2),
               (axis.begin + axis.end - text_width(label)) / 2, label, grey, 2, true);
}

void draw_frame(Picture& picture, int x, int y, int width, int height) {
  picture.fill(x - 1, y - 1, width + 2, 1, black);
  picture.fill(x - 1, y + height, width + 2, 1, black);
  picture.fill(x - 1, y - 1, 1, height + 2, black);
  picture.fill(x + width, y - 1, 1, height + 2, black);
}

// The largest level of the cells that a pixel covers, so that no click or tone is lost where many share one.
double loudest(const double* db, int64_t bins, int64_t t0, int64_t t1, int64_t f0, int64_t f1) {
  double level = -std::numeric_limits<double>::infinity();
  for (int64_t t = t0; t <= t1; ++t)
    for (int64_t f = f0; f <= f1; ++f)
      if (std::isfinite(db[t * bins + f])) level = std::max(level, db[t * bins + f]);
  return level;
}

// First and last cell of `count`, laid from edge to edge of `pixels`, that pixel `index` covers.
std::pair<int64_t, int64_t> covered(int index, int pixels, int64_t count) {
  const double each = static_cast<double>(count) / pixels;
  const auto first = static_cast<int64_t>(index * each);
  return {first, std::clamp<int64_t>(static_cast<int64_t>(std::ceil((index + 1) * each)) - 1, first, count - 1)};
}

void draw_color_bar(Picture& picture, int x, int top, int height, double low, double high) {
  for (int y = 0; y < height; ++y) picture.fill(x, top + y, 16, 1, heat_color(1 - (y + 0.5) / height));
  draw_frame(picture, x, top, 16, height);
  const Axis axis{low, high, top + height - 1, top};
  for (const auto& [value, text] : ticks(axis, height / 60)) {
    const int y = static_cast<int>(std::lround(axis.pixel(value)));
    picture.fill(x + 17, y, tick, 1, black);
    picture.text(x + 17 + tick + gap / 2, y - text_height() / 2, text, black);
  }
  picture.text(x, top - gap - text_height(), "dB", grey);
}

}  // namespace

Color heat_color(double share) {
  const double step = std::round(std::clamp(share, 0.0, 1.0) * heat_steps) / heat_steps;
  const double at = step * (std::size(heat) - 1);
  const size_t index = std::min(static_cast<size_t>(at), std::size(heat) - 2);
  const Color a = heat[index], b = heat[index + 1];
  const double part = at - static_cast<double>(index);
  const auto mix = [part](uint8_t from, uint8_t to) {
    return static_cast<uint8_t>(std::lround(from + part * (to - from)));
  };
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

Picture draw_heat_map(const Tensor& db, double low_db, double high_db, int width, int height) {
  check_shape("draw_heat_map", "db", db, {-1, -1});
  const int64_t frames = db.size(0), bins = db.size(1);
  if (frames < 1 || bins < 1 || !is_real(db.dtype()) || !(low_db < high_db))
    throw_error(
        "[draw_heat_map] expected real levels of at least one frame and bin and a rising scale, got {}, {} to {} dB",
        describe(db), low_db, high_db);
  const Tensor levels = db.to(cpu_device).cast(DType::float64);
  Picture picture(width, height);
  for (int y = 0; y < height; ++y) {
    const auto [f0, f1] = covered(height - 1 - y, height, bins);
    for (int x = 0; x < width; ++x) {
      const auto [t0, t1] = covered(x, width, frames);
      const double level = loudest(levels.data<double>(), bins, t0, t1, f0, f1);
      picture.set(x, y, heat_color((level - low_db) / (high_db - low_db)));
    }
  }
  return picture;
}

Picture draw_spectrogram(const Tensor& db, const SpectrogramStyle& style) {
  check_shape("draw_spectrogram", "db", db, {-1, -1});
  const int64_t frames = db.size(0), bins = db.size(1);
  if (frames < 1 || bins < 1 || !is_real(db.dtype()))
    throw_error("[draw_spectrogram] expected real levels of at least one frame and bin, got {}", describe(db));
  if (!(style.seconds > 0) || !(style.kilohertz > 0))
    throw_error("[draw_spectrogram] expected a length and a bandwidth above 0, got {} s and {} kHz", style.seconds,
                style.kilohertz);
  const Tensor levels = db.to(cpu_device).cast(DType::float64);
  double low = style.low_db, high = style.high_db;
  if (!(low < high)) {
    const double top = loudest(levels.data<double>(), bins, 0, frames - 1, 0, bins - 1);
    high = std::isfinite(top) ? top : 0;
    low = high - range_db;
  }

  const int left = 76, top = 40, width = static_cast<int>(std::clamp<int64_t>(frames * 2, 560, 1200)), height = 320;
  Picture picture(left + width + 100, top + height + 60);
  picture.paste(draw_heat_map(levels, low, high, width, height), left, top);
  draw_frame(picture, left, top, width, height);
  picture.text(left, (top - text_height()) / 2, style.title, black);
  draw_x_axis(picture, {0, style.seconds, left, left + width - 1}, top + height + 1, "time (s)");
  draw_y_axis(picture, {0, style.kilohertz, top + height - 1, top}, left - 1, "frequency (kHz)");
  draw_color_bar(picture, left + width + 20, top, height, low, high);
  return picture;
}

Picture draw_chart(const std::vector<Curve>& curves, const ChartStyle& style) {
  Bounds x_bounds, y_bounds;
  int legend = 0;
  for (const Curve& curve : curves) {
    if (curve.x.size() != curve.y.size())
      throw_error("[draw_chart] expected as many x as y in '{}', got {} and {}", curve.name, curve.x.size(),
                  curve.y.size());
    for (size_t i = 0; i < curve.x.size(); ++i) {
      if (!std::isfinite(curve.y[i])) continue;
      x_bounds.add(curve.x[i]);
      y_bounds.add(curve.y[i]);
    }
    legend = std::max(legend, text_width(curve.name) + 44);
  }
  x_bounds.widen(0);
  y_bounds.widen(0.05);

  const int left = 124, top = 40, width = 760, height = 400;
  Picture picture(left + width + gap * 3 + legend, top + height + 60);
  const Axis x_axis{x_bounds.low, x_bounds.high, left, left + width - 1};
  const Axis y_axis{y_bounds.low, y_bounds.high, top + height - 1, top};
  for (const auto& [value, text] : ticks(y_axis, height / 60))
    picture.fill(left, static_cast<int>(std::lround(y_axis.pixel(value))), width, 1, faint);
  for (const auto& [value, text] : ticks(x_axis, width / 110))
    picture.fill(static_cast<int>(std::lround(x_axis.pixel(value))), top, 1, height, faint);
  for (size_t c = 0; c < curves.size(); ++c) {
    const Curve& curve = curves[c];
    const Color color = palette[c % std::size(palette)];
    bool open = false;  // whether the point before was drawn
    for (size_t i = 0; i < curve.x.size(); ++i) {
      const double x = x_axis.pixel(curve.x[i]), y = y_axis.pixel(curve.y[i]);
      const bool drawn = std::isfinite(x) && std::isfinite(y);
      if (drawn && !open) picture.line(x, y, x, y, 4, color);  // a lone point is seen too
      if (drawn && open) picture.line(x_axis.pixel(curve.x[i - 1]), y_axis.pixel(curve.y[i - 1]), x, y, 2, color);
      open = drawn;
    }
    const int y = top + static_cast<int>(c) * (text_height() + gap) + gap;
    picture.fill(left + width + gap * 2, y + text_height() / 2 - 1, 28, 3, color);
    picture.text(left + width + gap * 2 + 36, y, curve.name, black);
  }
  draw_frame(picture, left, top, width, height);
  picture.text(left, (top - text_height()) / 2, style.title, black);
  draw_x_axis(picture, x_axis, top + height + 1, style.x_label);
  draw_y_axis(picture, y_axis, left - 1, style.y_label);
  return picture;
}

}  // namespace sunder
