// Pieces of an HTML document.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sunder {

// Text as it may stand between tags and in quoted attributes. Control characters and bytes that are not UTF-8 (file
// names may hold both) become U+FFFD.
std::string escape_html(std::string_view text);

// RFC 4648, section 4.
std::string base64(std::string_view bytes);

// data:<type>;base64,...
std::string data_uri(std::string_view type, std::string_view bytes);

// With a fixed number of decimals and a true minus sign; never "−0.00".
std::string format_number(double value, int decimals);
// A tick's label with a true minus sign.
std::string with_minus(std::string text);
// "12,345"
std::string format_count(int64_t count);

}  // namespace sunder
