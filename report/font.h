// A drawn 5 x 7 font for the labels of pictures.
#pragma once

#include <string_view>

namespace sunder {

inline constexpr int glyph_width = 5;
inline constexpr int glyph_height = 7;
inline constexpr int glyph_advance = 6;  // from one character to the next

// Seven rows of five characters, '#' where ink is, one blank between rows; printable ASCII, else a box.
std::string_view glyph(char character);

}  // namespace sunder
