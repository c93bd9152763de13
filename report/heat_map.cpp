#include "report/heat_map.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sunder {

namespace {

constexpr Color heat[] = {{4, 4, 16}, {58, 14, 92}, {146, 32, 92}, {222, 84, 48}, {250, 176, 54}, {255, 252, 216}};

// Fewer colours make a smaller PNG; steps of half a dB are invisible.
constexpr int heat_steps = 140;

// The largest level among the cells of a pixel: an average would hide clicks and tones.
double loudest(const double* db, int64_t bins, int64_t t0, int64_t t1, int64_t f0, int64_t f1) {
  double level = -std::numeric_limits<double>::infinity();
  for (int64_t t = t0; t <= t1; ++t)
    for (int64_t f = f0; f <= f1; ++f)
      if (std::isfinite(db[t * bins + f])) level = std::max(level, db[t * bins + f]);
  return level;
}

// First and last of `count` cells that pixel `index` of `pixels` covers.
std::pair<int64_t, int64_t> covered(int index, int pixels, int64_t count) {
  const double each = static_cast<double>(count) / pixels;
  const auto first = static_cast<int64_t>(index * each);
  return {first, std::clamp<int64_t>(static_cast<int64_t>(std::ceil((index + 1) * each)) - 1, first, count - 1)};
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
  std::vector<Color> pixels;
  pixels.reserve(static_cast<size_t>(width) * static_cast<size_t>(height));
  for (int y = 0; y < height; ++y) {
    const auto [f0, f1] = covered(height - 1 - y, height, bins);
    for (int x = 0; x < width; ++x) {
      const auto [t0, t1] = covered(x, width, frames);
      const double level = loudest(levels.data<double>(), bins, t0, t1, f0, f1);
      pixels.push_back(heat_color((level - low_db) / (high_db - low_db)));
    }
  }
  return {width, height, pixels};
}

}  // namespace sunder
