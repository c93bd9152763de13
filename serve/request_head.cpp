// What the head of a request decides.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>

#include "serve/access.h"
#include "serve/exchange.h"

namespace sunder::serve {
namespace {

struct Endpoint {
  const char *path, *method;
  bool is_open;     // to those without a key
  bool is_endless;  // takes a body of any length
};
constexpr Endpoint endpoints[] = {
    {"/", "GET", true, false},         {"/health", "GET", true, false},        {"/ready", "GET", true, false},
    {"/metrics", "GET", false, false}, {"/v1/separate", "POST", false, false}, {"/v1/stream", "POST", false, true},
};

const Endpoint& endpoint_of(const httplib::Request& request, RequestRecord& record) {
  const auto found = std::ranges::find(endpoints, request.path, &Endpoint::path);
  if (found == std::end(endpoints)) throw Refusal(404, "no such path; docs/serve.md lists them");
  record.endpoint = found->path;
  const bool is_head = request.method == "HEAD" && std::string(found->method) == "GET";
  if (request.method != found->method && !is_head)
    throw Refusal(405, fmt::format("{}: expected {}, got {}", found->path, found->method, request.method),
                  {{"Allow", found->method}});
  return *found;
}

// Two lengths, or a length of chunks, are how a request is hidden in another one's body.
void check_body(const httplib::Request& request, const Endpoint& endpoint, const RequestLimits& limits) {
  const size_t lengths = request.get_header_value_count("Content-Length");
  const size_t codings = request.get_header_value_count("Transfer-Encoding");
  if (lengths + codings > 1) throw Refusal(400, "expected one Content-Length or Transfer-Encoding, got several");
  if (codings == 1) {
    std::string coding = request.get_header_value("Transfer-Encoding");
    std::ranges::transform(coding, coding.begin(), [](unsigned char c) { return std::tolower(c); });
    if (coding != "chunked") throw Refusal(501, "Transfer-Encoding: expected chunked");
    return;
  }
  if (lengths == 0) {
    if (request.method == "POST") throw Refusal(411, "expected a Content-Length or Transfer-Encoding: chunked");
    return;
  }
  const std::string text = request.get_header_value("Content-Length");
  uint64_t bytes = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (failure != std::errc() || end != text.data() + text.size())
    throw Refusal(400, "Content-Length: expected a number of bytes");
  if (!endpoint.is_endless && bytes > static_cast<uint64_t>(limits.bytes))
    throw Refusal(413, fmt::format("expected a body of at most {} bytes, got {}", limits.bytes, bytes));
}

}  // namespace

void check_head(const httplib::Request& request, const std::string& api_key, Exchange& exchange) {
  const Endpoint& endpoint = endpoint_of(request, exchange.record);
  if (!endpoint.is_open &&
      !has_key(api_key, request.get_header_value("Authorization"), request.get_header_value("X-API-Key")))
    throw Refusal(401, "expected the API key, as Authorization: Bearer KEY or X-API-Key: KEY",
                  {{"WWW-Authenticate", "Bearer"}});
  // Browsers say so where a page of another site asks: it is not for such pages to keep this machine busy.
  if (request.get_header_value("Sec-Fetch-Site") == "cross-site")
    throw Refusal(403, "requests from pages of other sites are not answered");
  check_body(request, endpoint, exchange.service.limits());
}

}  // namespace sunder::serve
