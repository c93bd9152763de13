// A picture in memory with antialiased lines, shapes and text (Cairo), and its PNG file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

typedef struct _cairo cairo_t;
typedef struct _cairo_surface cairo_surface_t;

namespace sunder {

struct Color {
  uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Color&) const = default;
};

struct Point {
  double x, y;
};

struct Box {
  double x, y, width, height;
};

struct LineStyle {
  Color color;
  double width = 2;
  std::vector<double> dashes = {};  // lengths of dashes and of the gaps between them, in turn; none: solid
};

enum class Align { left, center, right };

struct TextStyle {
  Color color;
  double size = 19;  // of an em, pixels
  bool bold = false;
  Align align = Align::left;
  bool upwards = false;  // turned to read from the bottom to the top; left is then the bottom
};

// Coordinates are in pixels from the top left corner: pixel (0, 0) covers 0 to 1 in x and y. What lies outside is cut
// off. Drawing throws Error where Cairo fails.
class Picture {
 public:
  // Throws Error for sizes below 1 and above 32767, Cairo's limit.
  Picture(int width, int height, Color background = {255, 255, 255});
  // Lines, shapes and text for svg() instead of pixels: at() and pixels() throw.
  static Picture vector(int width, int height, Color background = {255, 255, 255});
  // From rows of pixels, the top row first.
  Picture(int width, int height, const std::vector<Color>& pixels);

  int width() const { return width_; }
  int height() const { return height_; }
  // The bytes of an SVG file, once: nothing can be drawn afterwards. Throws Error for a picture of pixels.
  std::string svg();
  Color at(int x, int y) const;
  std::vector<Color> pixels() const;  // rows from the top

  void fill(const Box& box, Color color);
  void outline(const Box& box, const LineStyle& style);
  // Through all points in turn.
  void line(const std::vector<Point>& points, const LineStyle& style);
  // A filled circle with a ring of `ring_width` around it.
  void dot(Point center, double radius, Color color, Color ring, double ring_width);
  void paste(const Picture& picture, int x, int y);
  // The anchor lies at half the height of capital letters and, by `align`, at the text's left end, centre or right end.
  // Bytes that are not UTF-8 and control characters are drawn as U+FFFD.
  void text(Point anchor, const std::string& text, const TextStyle& style);
  // Drawing is limited to the box until unclip().
  void clip(const Box& box);
  void unclip();

 private:
  Picture(int width, int height, Color background, bool vector);
  friend double text_width(const std::string& text, const TextStyle& style);
  struct Delete {
    void operator()(cairo_t* context) const;
    void operator()(cairo_surface_t* surface) const;
  };
  void use(Color color);
  void use(const LineStyle& style);
  double measure(const std::string& text, const TextStyle& style);
  void check(const char* what) const;

  int width_, height_;
  std::unique_ptr<std::string> svg_;  // of a vector picture; outlives the surface that writes to it
  std::unique_ptr<cairo_surface_t, Delete> surface_;
  std::unique_ptr<cairo_t, Delete> context_;
};

// Pixels.
double text_width(const std::string& text, const TextStyle& style);
// The text, or as much of it as fits with an ellipsis.
std::string fit_text(const std::string& text, const TextStyle& style, double width);

// The bytes of a PNG file, with a palette where 256 colours are enough.
std::string encode_png(const Picture& picture);
// Throws Error if the file cannot be written.
void write_png(const std::filesystem::path& path, const Picture& picture);

}  // namespace sunder
