#include "report/picture.h"

#include <gtest/gtest.h>
#include <png.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <set>

#include "report/font.h"
#include "report/plot.h"
#include "report/separation_picture.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

int lightness(Color c) { return c.red + c.green + c.blue; }

// With SUNDER_PICTURES=DIR the pictures are kept there to be looked at.
void keep(const std::string& name, const Picture& picture) {
  if (const char* folder = std::getenv("SUNDER_PICTURES")) write_png(fs::path(folder) / name, picture);
}

TEST(Picture, PngHoldsEveryPixel) {
  Picture picture(7, 5, {1, 2, 3});
  picture.set(6, 4, {250, 0, 9});
  picture.set(7, 0, {9, 9, 9});  // outside: cut off
  picture.set(-1, 0, {9, 9, 9});
  picture.fill(0, 0, 2, 1, {0, 255, 0});
  const std::string bytes = encode_png(picture);
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_TRUE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()));
  EXPECT_EQ(image.width, 7u);
  EXPECT_EQ(image.height, 5u);
  image.format = PNG_FORMAT_RGB;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  ASSERT_TRUE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr));
  EXPECT_EQ(pixels, picture.pixels());
  EXPECT_EQ(picture.at(6, 4), (Color{250, 0, 9}));
  EXPECT_EQ(picture.at(1, 0), (Color{0, 255, 0}));
  EXPECT_EQ(picture.at(2, 0), (Color{1, 2, 3}));
  EXPECT_THROW(picture.at(7, 0), Error);
  EXPECT_THROW(Picture(0, 3), Error);
}

TEST(Picture, PngHoldsManyColorsAndFew) {
  for (const int colors : {2, 256, 257, 4096}) {
    Picture picture(64, 64);
    for (int i = 0; i < 64 * 64; ++i)
      picture.set(i % 64, i / 64, {static_cast<uint8_t>(i % colors & 255), static_cast<uint8_t>(i % colors >> 8), 7});
    const std::string bytes = encode_png(picture);
    png_image image = {};
    image.version = PNG_IMAGE_VERSION;
    ASSERT_TRUE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()));
    EXPECT_EQ((image.format & PNG_FORMAT_FLAG_COLORMAP) != 0, colors <= 256) << "a palette where it is enough";
    image.format = PNG_FORMAT_RGB;
    std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
    ASSERT_TRUE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr));
    EXPECT_EQ(pixels, picture.pixels()) << colors;
  }
}

TEST(Picture, WritesFilesOrSaysWhyNot) {
  const fs::path path = fs::temp_directory_path() / fmt::format("sunder-picture-{}.png", ::getpid());
  write_png(path, Picture(3, 3));
  EXPECT_GT(fs::file_size(path), 50u);
  fs::remove(path);
  EXPECT_THROW(write_png(path / "below", Picture(3, 3)), Error);
}

TEST(Font, GlyphsAreWellFormedAndDiffer) {
  std::set<std::string_view> seen;
  for (char c = ' '; c <= '~'; ++c) {
    const std::string_view rows = glyph(c);
    ASSERT_EQ(rows.size(), 41u) << c;
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(i % 6 == 5, rows[i] == ' ') << c;
      EXPECT_NE(std::string_view(" .#").find(rows[i]), std::string_view::npos) << c;
    }
    EXPECT_TRUE(seen.insert(rows).second) << "two characters look like " << c;
  }
  EXPECT_EQ(glyph('\n'), glyph('\xff'));
}

TEST(Picture, TextLiesInItsBoxAndTurns) {
  const std::string word = "dB 07";
  Picture flat(80, 80), turned(80, 80);
  flat.text(10, 20, word, {0, 0, 0}, 2);
  turned.text(20, 10, word, {0, 0, 0}, 2, true);
  int ink = 0;
  for (int y = 0; y < 80; ++y) {
    for (int x = 0; x < 80; ++x) {
      const bool set = flat.at(x, y) == Color{0, 0, 0};
      ink += set;
      const bool inside = x >= 10 && x < 10 + text_width(word) && y >= 20 && y < 20 + text_height();
      EXPECT_TRUE(!set || inside);
      // A quarter turn to the left: what runs to the right now runs up.
      EXPECT_TRUE(!inside || turned.at(y, 10 + text_width(word) - 1 - (x - 10)) == flat.at(x, y));
    }
  }
  EXPECT_GT(ink, 100);
}

TEST(Picture, LinesCoverWhatTheyCross) {
  Picture picture(40, 40);
  picture.line(5, 5, 30, 20, 2, {0, 0, 0});
  EXPECT_EQ(lightness(picture.at(5, 5)), 0);
  EXPECT_EQ(lightness(picture.at(30, 20)), 0);
  EXPECT_LT(lightness(picture.at(15, 11)), 100);
  EXPECT_EQ(lightness(picture.at(15, 18)), 765);
  picture.line(-50, 39, 90, 39, 2, {0, 0, 0});  // cut off at the edges
  EXPECT_EQ(lightness(picture.at(39, 39)), 0);
}

// A rising tone: the brightest row of a column lies at the tone's frequency.
TEST(Plot, SpectrogramShowsTonesWhereTheyAre) {
  const int64_t frames = 251, bins = 257;
  std::vector<float> db(frames * bins);
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t f = 0; f < bins; ++f) {
      const double distance = static_cast<double>(f - t) / 6.0;
      db[t * bins + f] =
          static_cast<float>(-10 * distance * distance - 3 * std::abs(std::sin(0.1 * t)) - (f == 0 ? 10 : 0));
    }
  }
  db[5] = -INFINITY;
  db[6] = NAN;
  const Picture picture = draw_spectrogram(Tensor::from(db, {frames, bins}), {"mixture.wav, output 1", 4.0, 4.0});
  keep("spectrogram.png", picture);
  const int left = 76, top = 40, width = 560, height = 320;
  for (const int64_t t : {40, 125, 220}) {
    const int x = left + static_cast<int>((t + 0.5) / frames * width);
    int best = 0, row = -1;
    for (int y = top; y < top + height; ++y)
      if (lightness(picture.at(x, y)) > best) best = lightness(picture.at(x, y)), row = y;
    EXPECT_NEAR(row, top + height * (1 - (t + 0.5) / bins), 3) << t;
    EXPECT_LT(lightness(picture.at(x, top + 2)), 60) << "far from the tone it is dark";
  }
}

TEST(Plot, SpectrogramTakesOddFormsAndRefusesWrongOnes) {
  keep("short.png", draw_spectrogram(Tensor::full({1, 1}, -20, DType::float64), {"", 0.064, 8, -80, 0}));
  const Picture wide = draw_spectrogram(Tensor::full({5000, 65}, -20, DType::float32), {"long", 80, 4, -60, 0});
  keep("long.png", wide);
  EXPECT_LE(wide.width(), 1400);
  EXPECT_NO_THROW(draw_spectrogram(Tensor::full({3, 4}, -INFINITY, DType::float32), {"silence", 1, 4}));
  EXPECT_THROW(draw_spectrogram(Tensor::zeros({0, 4}, DType::float32), {}), Error);
  EXPECT_THROW(draw_spectrogram(Tensor::zeros({4}, DType::float32), {}), Error);
  EXPECT_THROW(draw_spectrogram(Tensor::zeros({4, 4}, DType::int64), {}), Error);
  EXPECT_THROW(draw_spectrogram(Tensor::zeros({4, 4}, DType::float32), {"", 0, 4}), Error);
}

TEST(Plot, ChartDrawsEveryCurve) {
  std::vector<Curve> curves;
  for (const char* name : {"PIT", "MixPIT", "MixCycle"}) {
    Curve curve{name, {}, {}};
    for (int i = 0; i < 60; ++i) {
      curve.x.push_back(50.0 * i);
      curve.y.push_back((4.0 + 4.0 * static_cast<double>(curves.size())) * (1 - std::exp(-i / 15.0)) - 1);
    }
    curves.push_back(curve);
  }
  curves[1].y[30] = NAN;
  const Picture picture = draw_chart(curves, {"validation SI-SNRi", "step", "SI-SNRi (dB)"});
  keep("chart.png", picture);
  std::set<std::tuple<int, int, int>> colors;
  for (int y = 40; y < 440; ++y)
    for (int x = 124; x < 884; ++x) {
      const Color c = picture.at(x, y);
      if (std::abs(c.red - c.green) > 60 || std::abs(c.green - c.blue) > 60) colors.emplace(c.red, c.green, c.blue);
    }
  for (const Color c : {Color{0, 114, 178}, Color{213, 94, 0}, Color{0, 158, 115}})
    EXPECT_TRUE(colors.count({c.red, c.green, c.blue}));
}

TEST(Plot, ChartTakesOddFormsAndRefusesWrongOnes) {
  EXPECT_NO_THROW(draw_chart({}, {"nothing", "x", "y"}));
  keep("single.png", draw_chart({{"one point", {1}, {3}}}, {"single", "x", "y"}));
  EXPECT_NO_THROW(draw_chart({{"nan", {0, 1}, {NAN, INFINITY}}}, {}));
  keep("small.png", draw_chart({{"loss", {0, 1000, 2e6}, {1e-5, 3e-5, 2e-5}}}, {"loss", "step", "loss"}));
  EXPECT_THROW(draw_chart({{"uneven", {0, 1}, {1}}}, {}), Error);
}

TEST(SeparationPicture, ShowsWhatSoundsWhen) {
  for (const int64_t samples : {8000, 8000 * 700}) {
    std::vector<float> tone(samples, 0.0f), nothing(samples, 0.0f);
    for (int64_t t = samples / 2; t < samples; ++t)
      tone[t] = static_cast<float>(0.5 * std::sin(2 * M_PI * 0.125 * static_cast<double>(t)));
    const Picture picture = draw_separation("tone", {tone, nothing, tone}, 8000);
    const int left = 76, width = picture.width() - 176, panel = picture.height() / 3;
    const auto light = [&](int i, double share) {
      const Color c = picture.at(left + static_cast<int>(share * width), i * panel + 40 + 320 * 3 / 4);
      return c.red + c.green + c.blue;
    };
    for (const double share : {0.55, 0.75, 0.95}) {
      EXPECT_GT(light(0, share), 600) << share;
      EXPECT_LT(light(1, share), 60);
      EXPECT_EQ(light(2, share), light(0, share));
    }
    for (const double share : {0.05, 0.25, 0.45}) EXPECT_LT(light(0, share), 60) << share;
  }
  EXPECT_NO_THROW(draw_separation("one sample", {std::vector<float>(1, 0.5f), std::vector<float>(1, 0.0f)}, 8000));
}

}  // namespace
}  // namespace sunder
