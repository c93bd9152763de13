// A picture of RGB pixels that lines and labels are drawn on, and its PNG file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sunder {

struct Color {
  uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Color&) const = default;
};

class Picture {
 public:
  // Throws Error for sizes below 1.
  Picture(int width, int height, Color background = {255, 255, 255});

  int width() const { return width_; }
  int height() const { return height_; }
  const std::vector<uint8_t>& pixels() const { return pixels_; }  // rows from the top, three bytes a pixel
  Color at(int x, int y) const;

  // Drawing outside the picture is cut off. (0, 0) is the top left pixel.
  void set(int x, int y, Color color);
  void fill(int x, int y, int width, int height, Color color);
  void line(double x0, double y0, double x1, double y1, double thickness, Color color);  // with soft edges
  void paste(const Picture& picture, int x, int y);
  // Text whose box begins at its top left (x, y); `upwards` turns it to run from the bottom to the top.
  void text(int x, int y, std::string_view text, Color color, int scale = 2, bool upwards = false);

 private:
  void blend(int x, int y, Color color, double share);

  int width_, height_;
  std::vector<uint8_t> pixels_;
};

int text_width(std::string_view text, int scale = 2);
int text_height(int scale = 2);

// The bytes of a PNG file; with a palette where 256 colours are enough.
std::string encode_png(const Picture& picture);
// Throws Error if the file cannot be written.
void write_png(const std::filesystem::path& path, const Picture& picture);

}  // namespace sunder
