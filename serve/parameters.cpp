#include "serve/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "audio/output_activity.h"
#include "audio/sample_rate.h"
#include "serve/answer.h"

namespace sunder::serve {
namespace {

void check_known(const Query& query, const std::vector<std::string>& known) {
  for (const auto& [key, value] : query)
    if (std::ranges::find(known, key) == known.end())
      throw Refusal(400, fmt::format("{}: unknown parameter, expected one of {}", key, fmt::join(known, ", ")));
}

template <class T>
T number(const std::string& key, const std::string& text, T least, T most) {
  T value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  // Written so that NaN is refused.
  if (failure != std::errc() || end != text.data() + text.size() || !(value >= least && value <= most))
    throw Refusal(400, fmt::format("{}: expected a number from {} to {}, got '{}'", key, least, most, text));
  return value;
}

template <class T>
T choice(const Query& query, const std::string& key, const std::vector<std::pair<std::string, T>>& choices) {
  const auto given = query.find(key);
  if (given == query.end()) return choices[0].second;
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) {
    if (name == given->second) return value;
    names.push_back(name);
  }
  throw Refusal(400, fmt::format("{}: expected one of {}, got '{}'", key, fmt::join(names, ", "), given->second));
}

}  // namespace

SeparateParameters separate_parameters(const Query& query, int outputs) {
  check_known(query, {"channel", "encoding", "format", "sources"});
  SeparateParameters result;
  result.packing = choice<Packing>(query, "format",
                                   {{"zip", Packing::zip}, {"multipart", Packing::multipart}, {"json", Packing::json}});
  result.encoding =
      choice<WavFormat>(query, "encoding", {{"float32", WavFormat::float32}, {"int16", WavFormat::pcm16}});
  if (const auto given = query.find("channel"); given != query.end())
    result.channel = number(given->first, given->second, 1, 1024);
  if (const auto given = query.find("sources"); given != query.end()) result.sources = given->second;
  if (result.sources != "all" && result.sources != "auto" &&
      voice_count(result.sources).value_or(int64_t{outputs} + 1) > outputs)
    throw Refusal(
        400, fmt::format("sources: expected all, auto or a number from 1 to {}, the model's outputs, got '{}'", outputs,
                         result.sources));
  return result;
}

StreamParameters stream_parameters(const Query& query, int microphones, double most_chunk_seconds) {
  check_known(query, {"channels", "chunk_seconds", "encoding", "overlap_seconds", "rate"});
  StreamParameters result;
  const auto given = [&](const char* key) -> const std::string* {
    const auto found = query.find(key);
    return found == query.end() ? nullptr : &found->second;
  };
  if (!given("rate")) throw Refusal(400, "rate: expected the samples' rate in Hz, got none");
  result.sample_rate = number("rate", *given("rate"), lowest_sample_rate, highest_sample_rate);
  result.channels = given("channels") ? number("channels", *given("channels"), 1, 1024) : 1;
  if (result.channels != microphones)
    throw Refusal(400,
                  fmt::format("channels: expected {}, the model's microphones, got {}", microphones, result.channels));
  result.is_int16 = choice<bool>(query, "encoding", {{"f32le", false}, {"s16le", true}});
  if (given("chunk_seconds"))
    result.chunk_seconds = number("chunk_seconds", *given("chunk_seconds"), 0.1, most_chunk_seconds);
  if (given("overlap_seconds"))
    result.overlap_seconds = number("overlap_seconds", *given("overlap_seconds"), 0.0,
                                    result.chunk_seconds.value_or(most_chunk_seconds) / 2);
  return result;
}

}  // namespace sunder::serve
