#include "serve/request_record.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>

namespace sunder::serve {
namespace {

using nlohmann::ordered_json;

std::string now() {
  const auto time = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto milliseconds = time.time_since_epoch().count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                     milliseconds);
}

double milliseconds(double seconds) { return std::round(seconds * 1e4) / 10; }

std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/true, ordered_json::error_handler_t::replace);
}

// Words as they are, everything else in quotes: what clients send cannot look like a line of its own.
std::string text_of(const ordered_json& value) {
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  const auto is_plain = [](unsigned char c) { return c > ' ' && c < 127 && c != '"' && c != '\\' && c != '='; };
  return !text.empty() && std::ranges::all_of(text, is_plain) ? text : dump(value);
}

std::string line_of(const ordered_json& fields, bool json) {
  if (json) return dump(fields) + "\n";
  std::string line;
  for (const auto& [key, value] : fields.items()) line += (line.empty() ? "" : " ") + key + "=" + text_of(value);
  return line + "\n";
}

}  // namespace

std::string request_id(const std::string& given) {
  constexpr size_t longest = 64;
  const auto is_allowed = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; };
  if (!given.empty() && given.size() <= longest && std::ranges::all_of(given, is_allowed)) return given;
  static std::mutex mutex;
  static std::mt19937_64 random{std::random_device{}()};
  const std::lock_guard lock(mutex);
  return fmt::format("{:016x}", random());
}

std::string log_line(const RequestRecord& record, bool json) {
  constexpr size_t longest_path = 200;
  ordered_json fields{{"time", now()},           {"event", "request"},
                      {"id", record.id},         {"client", record.client},
                      {"method", record.method}, {"path", record.path.substr(0, longest_path)},
                      {"status", record.status}, {"ms", milliseconds(record.seconds)}};
  if (record.audio_seconds > 0) {
    fields["audio_s"] = std::round(record.audio_seconds * 1000) / 1000;
    fields["waited_ms"] = milliseconds(record.waited);
    fields["worked_ms"] = milliseconds(record.worked);
    if (record.together > 1) fields["together"] = record.together;
    if (record.clipped > 0) fields["clipped_samples"] = record.clipped;
  }
  if (!record.error.empty()) fields["error"] = record.error;
  return line_of(fields, json);
}

std::string log_line(const std::string& event, const std::string& text, bool json) {
  return line_of({{"time", now()}, {"event", event}, {"text", text}}, json);
}

}  // namespace sunder::serve
