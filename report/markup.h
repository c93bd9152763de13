// Pieces of an HTML document. Ours, since a library for escaping would be a dependency for these few lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sunder {

// Well-formed UTF-8: control characters but newlines and tabs, and bytes that are not UTF-8 (file names may hold both),
// become U+FFFD.
std::string printable_utf8(std::string_view text);

// Printable text as it may stand between tags and in quoted attributes.
std::string escape_html(std::string_view text);

// data:<type>;base64,...
std::string data_uri(std::string_view type, std::string_view bytes);

// A fixed number of decimals and a typographic minus sign (U+2212); never "−0.00".
std::string format_number(double value, int decimals);
// Replaces a leading hyphen by a minus sign.
std::string with_minus(std::string text);
// "12,345"
std::string format_count(int64_t count);

}  // namespace sunder
