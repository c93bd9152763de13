// What tests ask of a picture.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "report/picture.h"

namespace sunder {

inline int lightness(Color c) { return c.red + c.green + c.blue; }

// How many pixels of a box have the very colour.
inline int count(const Picture& picture, Color color, const Box& box) {
  int found = 0;
  for (int y = static_cast<int>(box.y); y < static_cast<int>(box.y + box.height); ++y)
    for (int x = static_cast<int>(box.x); x < static_cast<int>(box.x + box.width); ++x)
      found += picture.at(x, y) == color;
  return found;
}

// With SUNDER_PICTURES=DIR the pictures are kept there to be looked at.
inline void keep(const std::string& name, const Picture& picture) {
  if (const char* folder = std::getenv("SUNDER_PICTURES")) write_png(std::filesystem::path(folder) / name, picture);
}

}  // namespace sunder
