#include "report/separation_picture.h"

#include <gtest/gtest.h>

#include <cmath>

#include "report/heat_map.h"
#include "report/plot_frame.h"
#include "tensor/error.h"
#include "tests/report/pictures.h"

namespace sunder {
namespace {

// A rising tone: the brightest row of a column lies at the tone's frequency.
TEST(HeatMap, ShowsTonesWhereTheyAre) {
  const int64_t frames = 251, bins = 257;
  std::vector<float> db(frames * bins);
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t f = 0; f < bins; ++f) {
      const double distance = static_cast<double>(f - t) / 6.0;
      db[t * bins + f] = static_cast<float>(-10 * distance * distance - 3 * std::abs(std::sin(0.1 * t)));
    }
  }
  db[5] = -INFINITY;
  db[6] = NAN;
  const int width = 560, height = 320;
  const Picture picture = draw_heat_map(Tensor::from(db, {frames, bins}), -80, 0, width, height);
  for (const int64_t t : {40, 125, 220}) {
    const int x = static_cast<int>((t + 0.5) / frames * width);
    int best = 0, row = -1;
    for (int y = 0; y < height; ++y)
      if (lightness(picture.at(x, y)) > best) best = lightness(picture.at(x, y)), row = y;
    EXPECT_NEAR(row, height * (1 - (t + 0.5) / bins), 3) << t;
    EXPECT_LT(lightness(picture.at(x, 2)), 60) << "far from the tone it is dark";
  }
}

TEST(HeatMap, ColorsGetLighterAllTheWay) {
  for (int i = 1; i <= 140; ++i) {
    const Color a = heat_color((i - 1) / 140.0), b = heat_color(i / 140.0);
    EXPECT_GT(0.2126 * b.red + 0.7152 * b.green + 0.0722 * b.blue, 0.2126 * a.red + 0.7152 * a.green + 0.0722 * a.blue)
        << i;
  }
  EXPECT_EQ(heat_color(-1), heat_color(0));
  EXPECT_EQ(heat_color(2), heat_color(1));
}

TEST(HeatMap, TakesOddFormsAndRefusesWrongOnes) {
  EXPECT_EQ(draw_heat_map(Tensor::full({1, 1}, 0, DType::float64), -80, 0, 3, 2).at(2, 1), heat_color(1));
  EXPECT_EQ(draw_heat_map(Tensor::full({3, 4}, -INFINITY, DType::float32), -80, 0, 9, 9).at(4, 4), heat_color(0));
  EXPECT_EQ(draw_heat_map(Tensor::full({5000, 65}, -40, DType::float32), -80, 0, 7, 5).at(0, 0), heat_color(0.5));
  EXPECT_THROW(draw_heat_map(Tensor::zeros({0, 4}, DType::float32), -80, 0, 9, 9), Error);
  EXPECT_THROW(draw_heat_map(Tensor::zeros({4}, DType::float32), -80, 0, 9, 9), Error);
  EXPECT_THROW(draw_heat_map(Tensor::zeros({4, 4}, DType::int64), -80, 0, 9, 9), Error);
  EXPECT_THROW(draw_heat_map(Tensor::zeros({4, 4}, DType::float32), 0, 0, 9, 9), Error);
}

TEST(SeparationPicture, ShowsWhatSoundsWhenAndHowHigh) {
  for (const int64_t samples : {8000, 8000 * 700}) {
    std::vector<float> tone(samples, 0.0f), nothing(samples, 0.0f);
    for (int64_t t = samples / 2; t < samples; ++t)
      tone[t] = static_cast<float>(0.5 * std::sin(2 * M_PI * 0.125 * static_cast<double>(t)));
    const std::vector<std::span<const float>> signals{tone, nothing, tone};
    const Picture picture = draw_separation("tone", signals, 8000);
    keep(samples == 8000 ? "tone.png" : "long-tone.png", picture);
    const double seconds = static_cast<double>(samples) / 8000;
    const auto light = [&](size_t i, double share, double kilohertz) {
      const PlotFrame frame = separation_frame(static_cast<int64_t>(signals[0].size()), 8000, i);
      return lightness(
          picture.at(static_cast<int>(frame.at_x(share * seconds)), static_cast<int>(frame.at_y(kilohertz))));
    };
    for (const double share : {0.55, 0.75, 0.95}) {
      EXPECT_GT(light(0, share, 1), 600) << share;
      EXPECT_LT(light(0, share, 3), 150) << share;
      EXPECT_LT(light(1, share, 1), 60);
      EXPECT_EQ(light(2, share, 1), light(0, share, 1));
    }
    for (const double share : {0.05, 0.25, 0.45}) EXPECT_LT(light(0, share, 1), 60) << share;
  }
}

TEST(SeparationPicture, HasTitlesAxesAndAScale) {
  const std::vector<float> silence(8000, 0.0f);
  const std::vector<std::span<const float>> signals{silence, silence, silence};
  const Picture picture = draw_separation("a name", signals, 8000);
  const PlotFrame first = separation_frame(static_cast<int64_t>(signals[0].size()), 8000, 0),
                  last = separation_frame(static_cast<int64_t>(signals[0].size()), 8000, 2);
  const auto ink_in = [&](const Box& box) { return count(picture, ink::black, box); };
  EXPECT_GT(ink_in({first.box.x, 0, 200, 50}), 50) << "the title";
  for (size_t i = 0; i < 3; ++i) {
    const Box box = separation_frame(static_cast<int64_t>(signals[0].size()), 8000, i).box;
    EXPECT_GT(ink_in({box.x, box.y - 36, 200, 30}), 30) << "what is shown";
    EXPECT_GT(ink_in({box.x - 60, box.y, 50, box.height}), 30) << "numbers of kHz";
  }
  EXPECT_GT(ink_in({first.box.x, last.box.y + last.box.height + 8, last.box.width, 24}), 50) << "numbers of seconds";
  const int bar = static_cast<int>(first.box.x + first.box.width) + 40;
  const auto level = [&](double share) {
    return first.box.y + (1 - share) * (last.box.y + last.box.height - first.box.y);
  };
  for (const double share : {0.25, 0.5, 0.75})
    EXPECT_EQ(picture.at(bar, static_cast<int>(level(share))), heat_color(share)) << share;
  EXPECT_GT(ink_in({bar + 20.0, first.box.y, 60, last.box.y - first.box.y}), 30) << "numbers of dB";
}

// Blocks of any size give the levels of the whole; of a signal of unknown length a column may stand for other frames.
TEST(SeparationPicture, SpectrogramsAreMadeBlockByBlock) {
  for (const int64_t samples : {1, 100, 9000, 64129, 64130, 200000}) {
    std::vector<float> signal(samples);
    for (int64_t t = 0; t < samples; ++t)
      signal[t] = static_cast<float>(std::sin(1e-5 * static_cast<double>(t * t)) * (t < samples / 2 ? 0.01 : 1));
    const Tensor whole = spectrogram_levels(signal, 8000, 300);
    Spectrogram known(8000, 300, samples), unknown(8000, 300, std::nullopt);
    for (int64_t begin = 0; begin < samples; begin += 1500) {
      const auto block = std::span(signal).subspan(begin, std::min<int64_t>(1500, samples - begin));
      known.push(block), unknown.push(block);
    }
    EXPECT_EQ(known.finish().to_vector<double>(), whole.to_vector<double>()) << samples;
    const Tensor levels = unknown.finish();
    ASSERT_EQ(levels.shape(), whole.shape()) << samples;
    if (samples > 300 * 32) continue;  // else columns stand for other frames
    EXPECT_EQ(levels.to_vector<double>(), whole.to_vector<double>()) << samples;
  }
  EXPECT_THROW(Spectrogram(8000, 300, 5).finish(), Error);
}

// The louder half stays where it is when columns are joined.
TEST(SeparationPicture, SpectrogramsOfUnknownLengthKeepTimeAndLevel) {
  std::vector<float> signal(400000, 0.0f);
  for (size_t t = 300000; t < signal.size(); ++t) signal[t] = static_cast<float>(std::sin(0.25 * M_PI * t));
  Spectrogram unknown(8000, 100, std::nullopt);
  unknown.push(signal);
  const Tensor levels = unknown.finish(), whole = spectrogram_levels(signal, 8000, 100);
  const int64_t columns = levels.size(0), bins = levels.size(1), tone = (bins - 1) / 4;
  EXPECT_GT(columns, 50);
  for (int64_t c = 0; c < columns; ++c) {
    const double share = (static_cast<double>(c) + 0.5) / static_cast<double>(columns);
    const double level = levels.data<double>()[c * bins + tone];
    if (share < 0.74) {
      EXPECT_LT(level, -150) << share;
    } else if (share > 0.76) {
      EXPECT_NEAR(level, whole.data<double>()[95 * bins + tone], 0.1) << share;
    }
  }
}

TEST(SeparationPicture, TakesOneSampleAndRefusesNone) {
  EXPECT_NO_THROW(draw_separation("one sample", {std::vector<float>(1, 0.5f), std::vector<float>(1, 0.0f)}, 8000));
  EXPECT_THROW(draw_separation("none", {}, 8000), Error);
}

}  // namespace
}  // namespace sunder
