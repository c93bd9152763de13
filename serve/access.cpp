#include "serve/access.h"

#include <strings.h>

namespace sunder::serve {
namespace {

bool equal(std::string_view key, std::string_view given) {
  volatile unsigned difference = key.size() == given.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i)
    difference = difference | static_cast<unsigned char>(given[i] ^ key[i % key.size()]);
  return difference == 0;
}

}  // namespace

bool has_key(std::string_view key, std::string_view authorization, std::string_view x_api_key) {
  if (key.empty()) return true;
  constexpr std::string_view scheme = "Bearer ";
  if (authorization.size() > scheme.size() && ::strncasecmp(authorization.data(), scheme.data(), scheme.size()) == 0) {
    authorization.remove_prefix(scheme.size());
    while (authorization.starts_with(' ')) authorization.remove_prefix(1);
    return equal(key, authorization);
  }
  return equal(key, x_api_key);
}

}  // namespace sunder::serve
