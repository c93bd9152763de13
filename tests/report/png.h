// Reads PNG bytes back.
#pragma once

#include <cairo.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "report/picture.h"

namespace sunder {

struct Png {
  int width = 0, height = 0;
  std::vector<Color> pixels;  // rows from the top
  Color at(int x, int y) const { return pixels.at(static_cast<size_t>(y) * static_cast<size_t>(width) + x); }
};

inline Png read_png(std::string bytes) {
  const auto take = [](void* from, unsigned char* data, unsigned int length) {
    auto& rest = *static_cast<std::string*>(from);
    if (rest.size() < length) return CAIRO_STATUS_READ_ERROR;
    std::memcpy(data, rest.data(), length);
    rest.erase(0, length);
    return CAIRO_STATUS_SUCCESS;
  };
  cairo_surface_t* surface = cairo_image_surface_create_from_png_stream(take, &bytes);
  EXPECT_EQ(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
  EXPECT_EQ(bytes, "") << "nothing follows the picture";
  Png png{cairo_image_surface_get_width(surface), cairo_image_surface_get_height(surface), {}};
  for (int y = 0; y < png.height; ++y) {
    const auto* row = reinterpret_cast<const uint32_t*>(cairo_image_surface_get_data(surface) +
                                                        y * cairo_image_surface_get_stride(surface));
    for (int x = 0; x < png.width; ++x)
      png.pixels.push_back(
          {static_cast<uint8_t>(row[x] >> 16), static_cast<uint8_t>(row[x] >> 8), static_cast<uint8_t>(row[x])});
  }
  cairo_surface_destroy(surface);
  return png;
}

}  // namespace sunder
