// Bytes as text. Ours, since a library would be a dependency for these few lines.
#pragma once

#include <string>
#include <string_view>

namespace sunder {

// RFC 4648, section 4.
std::string base64(std::string_view bytes);

}  // namespace sunder
