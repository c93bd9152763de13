// Who may ask: the API key.
#pragma once

#include <string_view>

namespace sunder::serve {

// Whether a request brings the key: `authorization` and `x_api_key` are its headers, "Bearer KEY" and "KEY". Takes
// as long for any wrong key of a length, so that it cannot be found letter by letter. An empty key lets everybody in.
bool has_key(std::string_view key, std::string_view authorization, std::string_view x_api_key);

}  // namespace sunder::serve
