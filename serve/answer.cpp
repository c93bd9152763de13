#include "serve/answer.h"

#include <nlohmann/json.hpp>

namespace sunder::serve {

Answer error_answer(int status, const std::string& message, Headers headers) {
  // What clients sent may stand in a message, and need not be UTF-8.
  const std::string body =
      nlohmann::json{{"error", message}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return {status, "application/json", body + "\n", std::move(headers)};
}

}  // namespace sunder::serve
