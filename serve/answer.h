// What requests are answered with, whatever library carries it.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sunder::serve {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Answer {
  int status = 200;
  std::string type;  // Content-Type
  std::string body;
  Headers headers{};
};

// Ends a request with a status of HTTP and one sentence for whoever sent it.
struct Refusal : std::runtime_error {
  Refusal(int code, const std::string& message, Headers with = {})
      : std::runtime_error(message), status(code), headers(std::move(with)) {}
  int status;
  Headers headers;
};

// {"error": message}
Answer error_answer(int status, const std::string& message, Headers headers = {});

}  // namespace sunder::serve
