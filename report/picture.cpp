#include "report/picture.h"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "files/atomic_file.h"
#include "report/font.h"
#include "tensor/error.h"

namespace sunder {

Picture::Picture(int width, int height, Color background) : width_(width), height_(height) {
  if (width < 1 || height < 1) throw_error("[picture] expected a size of at least 1 x 1, got {} x {}", width, height);
  pixels_.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  fill(0, 0, width, height, background);
}

Color Picture::at(int x, int y) const {
  if (x < 0 || y < 0 || x >= width_ || y >= height_)
    throw_error("[picture] expected a pixel of {} x {}, got ({}, {})", width_, height_, x, y);
  const uint8_t* pixel = &pixels_[(static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x)) * 3];
  return {pixel[0], pixel[1], pixel[2]};
}

void Picture::set(int x, int y, Color color) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
  uint8_t* pixel = &pixels_[(static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x)) * 3];
  pixel[0] = color.red;
  pixel[1] = color.green;
  pixel[2] = color.blue;
}

void Picture::blend(int x, int y, Color color, double share) {
  if (share <= 0 || x < 0 || y < 0 || x >= width_ || y >= height_) return;
  const Color old = at(x, y);
  const auto mix = [share](uint8_t from, uint8_t to) {
    return static_cast<uint8_t>(std::lround(from + share * (to - from)));
  };
  set(x, y, {mix(old.red, color.red), mix(old.green, color.green), mix(old.blue, color.blue)});
}

void Picture::fill(int x, int y, int width, int height, Color color) {
  for (int row = std::max(0, y); row < std::min(height_, y + height); ++row)
    for (int column = std::max(0, x); column < std::min(width_, x + width); ++column) set(column, row, color);
}

void Picture::paste(const Picture& picture, int x, int y) {
  for (int row = 0; row < picture.height(); ++row)
    for (int column = 0; column < picture.width(); ++column) set(x + column, y + row, picture.at(column, row));
}

void Picture::line(double x0, double y0, double x1, double y1, double thickness, Color color) {
  const double reach = thickness / 2 + 1, dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy;
  const auto first = [&](double a, double b) {
    return static_cast<int>(std::max(0.0, std::floor(std::min(a, b) - reach)));
  };
  const auto last = [&](double a, double b, int size) {
    return static_cast<int>(std::min(size - 1.0, std::ceil(std::max(a, b) + reach)));
  };
  for (int y = first(y0, y1); y <= last(y0, y1, height_); ++y) {
    for (int x = first(x0, x1); x <= last(x0, x1, width_); ++x) {
      const double along = square > 0 ? std::clamp(((x - x0) * dx + (y - y0) * dy) / square, 0.0, 1.0) : 0.0;
      const double distance = std::hypot(x - x0 - along * dx, y - y0 - along * dy);
      blend(x, y, color, std::clamp(thickness / 2 + 0.5 - distance, 0.0, 1.0));
    }
  }
}

void Picture::text(int x, int y, std::string_view text, Color color, int scale, bool upwards) {
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view rows = glyph(text[i]);
    for (int row = 0; row < glyph_height; ++row) {
      for (int column = 0; column < glyph_width; ++column) {
        if (rows[static_cast<size_t>(row * (glyph_width + 1) + column)] != '#') continue;
        const int along = (static_cast<int>(i) * glyph_advance + column) * scale;
        if (upwards) fill(x + row * scale, y + text_width(text, scale) - along - scale, scale, scale, color);
        else fill(x + along, y + row * scale, scale, scale, color);
      }
    }
  }
}

int text_width(std::string_view text, int scale) {
  return text.empty() ? 0 : (static_cast<int>(text.size()) * glyph_advance - (glyph_advance - glyph_width)) * scale;
}

int text_height(int scale) { return glyph_height * scale; }

namespace {

struct Indexed {
  std::vector<uint8_t> pixels;  // one byte a pixel
  std::vector<uint8_t> colors;  // three bytes an entry, in the order of their first pixel
};

// Nothing if there are more than 256 colours.
std::optional<Indexed> with_palette(const std::vector<uint8_t>& rgb) {
  Indexed result;
  std::unordered_map<uint32_t, uint8_t> index;
  result.pixels.reserve(rgb.size() / 3);
  for (size_t i = 0; i < rgb.size(); i += 3) {
    const uint32_t color = rgb[i] << 16 | rgb[i + 1] << 8 | rgb[i + 2];
    auto found = index.find(color);
    if (found == index.end()) {
      if (index.size() == 256) return std::nullopt;
      found = index.emplace(color, static_cast<uint8_t>(index.size())).first;
      result.colors.insert(result.colors.end(), rgb.begin() + i, rgb.begin() + i + 3);
    }
    result.pixels.push_back(found->second);
  }
  return result;
}

}  // namespace

std::string encode_png(const Picture& picture) {
  const std::optional<Indexed> indexed = with_palette(picture.pixels());
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width());
  image.height = static_cast<png_uint_32>(picture.height());
  image.format = indexed ? PNG_FORMAT_RGB_COLORMAP : PNG_FORMAT_RGB;
  image.colormap_entries = indexed ? static_cast<png_uint_32>(indexed->colors.size() / 3) : 0;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = bytes.size();
  const uint8_t* pixels = indexed ? indexed->pixels.data() : picture.pixels().data();
  if (!png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels, 0, indexed ? indexed->colors.data() : nullptr))
    throw_error("[encode_png] {}", image.message);
  bytes.resize(size);
  return bytes;
}

void write_png(const std::filesystem::path& path, const Picture& picture) { write_file(path, encode_png(picture)); }

}  // namespace sunder
