#include "report/picture.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "tensor/error.h"
#include "tests/report/pictures.h"
#include "tests/report/png.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

constexpr Color black{0, 0, 0}, white{255, 255, 255};

TEST(Picture, PngHoldsEveryPixel) {
  std::vector<Color> pixels;
  for (int i = 0; i < 64 * 65; ++i)
    pixels.push_back({static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(7 * i)});
  const Picture picture(64, 65, pixels);
  const Png png = read_png(encode_png(picture));
  EXPECT_EQ(png.width, 64);
  EXPECT_EQ(png.height, 65);
  EXPECT_EQ(png.pixels, pixels);
  EXPECT_EQ(picture.pixels(), pixels);
  EXPECT_EQ(picture.at(63, 64), pixels.back());
  EXPECT_EQ(picture.at(1, 2), pixels[2 * 64 + 1]);
  EXPECT_THROW(picture.at(64, 0), Error);
  EXPECT_THROW(picture.at(0, -1), Error);
  EXPECT_THROW(Picture(0, 3), Error);
  EXPECT_THROW(Picture(40000, 3), Error) << "more than Cairo can draw";
  EXPECT_THROW(Picture(3, 2, std::vector<Color>(5)), Error);
}

// The type of colour stands in the header: 2 is RGB, 3 a palette.
TEST(Picture, PngHoldsManyColorsAndFew) {
  for (const int colors : {2, 256, 257, 4096}) {
    std::vector<Color> pixels;
    for (int i = 0; i < 64 * 64; ++i)
      pixels.push_back({static_cast<uint8_t>(i % colors & 255), static_cast<uint8_t>(i % colors >> 8), 7});
    const std::string bytes = encode_png(Picture(64, 64, pixels));
    EXPECT_EQ(bytes.at(25), colors <= 256 ? 3 : 2) << "a palette where it is enough";
    EXPECT_EQ(read_png(bytes).pixels, pixels) << colors;
  }
}

TEST(Picture, TheSameDrawingGivesTheSameBytes) {
  const auto draw = [] {
    Picture picture(120, 60);
    picture.line({{3, 3}, {100, 50}, {110, 4}}, {black, 2.5, {5, 2}});
    picture.text({10, 30}, "SI-SNRi 12.3 dB", {.color = black});
    return encode_png(picture);
  };
  EXPECT_EQ(draw(), draw());
}

TEST(Picture, WritesFilesOrSaysWhyNot) {
  const fs::path path = fs::temp_directory_path() / fmt::format("sunder-picture-{}.png", ::getpid());
  write_png(path, Picture(3, 3));
  EXPECT_GT(fs::file_size(path), 50u);
  fs::remove(path);
  EXPECT_THROW(write_png(path / "below", Picture(3, 3)), Error);
}

TEST(Picture, ShapesLieWhereTheyAreDrawn) {
  Picture picture(40, 40, {1, 2, 3});
  EXPECT_EQ(count(picture, {1, 2, 3}, {0, 0, 40, 40}), 1600);
  picture.fill({10, 20, 5, 3}, {0, 255, 0});
  EXPECT_EQ(count(picture, {0, 255, 0}, {10, 20, 5, 3}), 15);
  EXPECT_EQ(count(picture, {0, 255, 0}, {0, 0, 40, 40}), 15);
  picture.fill({38, 38, 10, 10}, {9, 9, 9});  // cut off at the edges
  EXPECT_EQ(count(picture, {9, 9, 9}, {0, 0, 40, 40}), 4);
  picture.paste(Picture(3, 2, {7, 7, 7}), -1, 39);
  EXPECT_EQ(count(picture, {7, 7, 7}, {0, 39, 2, 1}), 2);
  EXPECT_EQ(count(picture, {7, 7, 7}, {0, 0, 40, 40}), 2);
  picture.clip({0, 0, 20, 10});
  picture.fill({0, 0, 40, 40}, black);
  picture.unclip();
  EXPECT_EQ(count(picture, black, {0, 0, 40, 40}), 200);
  picture.dot({30, 10}, 6, white, black, 2);
  EXPECT_EQ(picture.at(30, 10), white);
  EXPECT_EQ(picture.at(30, 3), black) << "the ring";
  EXPECT_EQ(picture.at(30, 19), (Color{1, 2, 3}));
}

TEST(Picture, LinesCoverWhatTheyCrossWithSoftEdges) {
  Picture picture(40, 40);
  picture.line({{5, 5}, {30, 20}}, {black, 3});
  EXPECT_EQ(picture.at(5, 5), black);
  EXPECT_EQ(picture.at(29, 19), black);
  EXPECT_EQ(picture.at(15, 18), white);
  int soft = 0;
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 40; ++x) soft += picture.at(x, y) != black && picture.at(x, y) != white;
  EXPECT_GT(soft, 20);
  // A line of many points is drawn in pieces that join.
  Picture wave(1200, 40);
  std::vector<Point> points;
  for (int x = 0; x < 1200; ++x) points.push_back({x + 0.5, 20 + 4 * std::sin(0.05 * x)});
  wave.line(points, {black, 3});
  for (int x = 1; x < 1199; ++x) EXPECT_EQ(wave.at(x, static_cast<int>(20 + 4 * std::sin(0.05 * x))), black) << x;
}

// The columns and rows that hold ink.
Box inked(const Picture& picture) {
  int left = picture.width(), right = -1, top = picture.height(), bottom = -1;
  for (int y = 0; y < picture.height(); ++y)
    for (int x = 0; x < picture.width(); ++x)
      if (lightness(picture.at(x, y)) < 600) {
        left = std::min(left, x), right = std::max(right, x);
        top = std::min(top, y), bottom = std::max(bottom, y);
      }
  return {static_cast<double>(left), static_cast<double>(top), right - left + 1.0, bottom - top + 1.0};
}

TEST(Picture, TextStandsAtItsAnchorAndTurns) {
  const TextStyle style{.color = black, .size = 20};
  const double width = text_width("HEB 07", style);
  EXPECT_GT(width, 50);
  EXPECT_LT(width, 100);
  EXPECT_GT(text_width("HEB 07", {.color = black, .size = 20, .bold = true}), width);
  for (const auto& [align, left] :
       {std::pair{Align::left, 100.0}, {Align::center, 100 - width / 2}, {Align::right, 100 - width}}) {
    Picture picture(200, 60);
    picture.text({100, 30}, "HEB 07", {.color = black, .size = 20, .align = align});
    const Box box = inked(picture);
    EXPECT_NEAR(box.x, left, 3);
    EXPECT_NEAR(box.width, width, 5);
    EXPECT_NEAR(box.y + box.height / 2, 30, 1.5) << "half the height of capital letters";
    EXPECT_NEAR(box.height, 15, 2);
  }
  Picture turned(60, 200);
  turned.text({30, 150}, "HEB 07", {.color = black, .size = 20, .upwards = true});
  const Box box = inked(turned);
  EXPECT_NEAR(box.y + box.height, 150, 3);
  EXPECT_NEAR(box.height, width, 5);
  EXPECT_NEAR(box.x + box.width / 2, 30, 1.5);
}

TEST(Picture, TextTakesAnyBytes) {
  Picture picture(300, 60);
  picture.text({10, 30}, "a\xff\x01 \xc3\xa9", {.color = black});  // Cairo stops drawing for good at invalid text
  picture.fill({280, 50, 5, 5}, {0, 255, 0});
  EXPECT_EQ(picture.at(281, 51), (Color{0, 255, 0}));
  EXPECT_GT(inked(picture).height, 10);
}

// A program of its own, since fontconfig reads its settings once.
TEST(PictureDeathTest, TextIsDrawnWhereNoFontIsInstalled) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const fs::path fonts = fs::temp_directory_path() / fmt::format("sunder-no-fonts-{}.conf", ::getppid());
  std::ofstream(fonts) << "<?xml version=\"1.0\"?><fontconfig></fontconfig>\n";
  const auto draws_text = [&] {
    ::setenv("FONTCONFIG_FILE", fonts.c_str(), 1);
    Picture picture(200, 60);
    picture.text({20, 30}, "HEB 07", {.color = black, .size = 20});
    const Box box = inked(picture);
    return box.width > 40 && box.height > 8 && text_width("HEB 07", {.color = black, .size = 20}) > 40;
  };
  EXPECT_EXIT(std::exit(draws_text() ? 0 : 1), testing::ExitedWithCode(0), "");
  fs::remove(fonts);
}

TEST(Picture, LongTextIsCutToFit) {
  const TextStyle style{.color = black, .size = 20};
  EXPECT_EQ(fit_text("short", style, 200), "short");
  std::string name;
  for (int i = 0; i < 40; ++i) name += "\xc3\xa9x";
  const std::string cut = fit_text(name, style, 200);
  EXPECT_TRUE(cut.ends_with("\xe2\x80\xa6"));
  EXPECT_TRUE(name.starts_with(cut.substr(0, cut.size() - 3)));
  EXPECT_LE(text_width(cut, style), 200);
  EXPECT_GT(text_width(cut, style), 160);
  EXPECT_NE(cut[cut.size() - 4], '\xc3') << "no half of a character";
}

}  // namespace
}  // namespace sunder
