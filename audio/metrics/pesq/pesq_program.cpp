#include "audio/metrics/pesq/pesq_program.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "audio/file.h"
#include "audio/metrics/pesq/child_process.h"
#include "audio/metrics/pesq/program_command.h"
#include "audio/silence.h"
#include "files/temporary.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

// Wider than the range of P.862.1 and P.862.2 (1.02 to 4.65): scores of other mappings are accepted, other numbers not.
constexpr double lowest_lqo = 0.5, highest_lqo = 4.7;
// P.862: -0.5 to 4.5, with half a unit of the third decimal for rounding.
constexpr double lowest_raw = -0.5005, highest_raw = 4.5005;

// Multiples of 1/32768: the signal itself if it has no other values, else scaled to a peak of 32767/32768.
std::vector<float> in_16_bits(std::span<const float> signal) {
  float peak = 0;
  bool fits = true;
  for (const float x : signal) {
    const float step = x * 32768;
    fits = fits && step == std::nearbyint(step) && step >= -32768 && step <= 32767;
    peak = std::max(peak, std::abs(x));
  }
  std::vector<float> result(signal.begin(), signal.end());
  if (fits) return result;
  for (float& x : result) x = static_cast<float>(std::nearbyint(32767.0 / peak * x) / 32768);
  return result;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    if (line.find_first_not_of(" \t") != std::string::npos) lines.push_back(line);
    begin = end + 1;
  }
  return lines;
}

// Numbers separated by blanks; empty if there is anything else.
std::vector<double> numbers_in(std::string_view text) {
  std::vector<double> numbers;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    if (text.empty()) return numbers;
    double number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || !std::isfinite(number)) return {};
    text.remove_prefix(end - text.data());
    if (!text.empty() && text[0] != ' ' && text[0] != '\t') return {};
    numbers.push_back(number);
  }
}

// P.862.1 (11/2003), equation 1; P.862.2 (11/2005), its mapping for wide-band.
double lqo_of_raw(double raw, PesqBand band) {
  return band == PesqBand::narrow ? 0.999 + 4 / (1 + std::exp(-1.4945 * raw + 4.6607))
                                  : 0.999 + 4 / (1 + std::exp(-1.3669 * raw + 3.8224));
}

const char* name_of(PesqBand band) { return band == PesqBand::narrow ? "narrow-band" : "wide-band"; }

struct Reading {
  std::optional<double> lqo;
  std::string found;  // without a score: what was printed instead
};

Reading in_range(double value, double lowest, double highest) {
  if (value >= lowest && value <= highest) return {value, ""};
  return {std::nullopt, fmt::format("a score out of range, {}", value)};
}

Reading read_score(const std::vector<std::string>& lines, PesqBand band) {
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const size_t equals = line->find('=');
    if (line->find("Prediction") == std::string::npos || equals == std::string::npos) continue;
    const std::vector<double> numbers = numbers_in(std::string_view(*line).substr(equals + 1));
    const bool raw = line->find("PESQ_MOS") != std::string::npos;
    const bool wide = line->find("P.862.2") != std::string::npos, narrow = line->find("Raw MOS,") != std::string::npos;
    if (numbers.size() != (narrow ? 2 : 1) || raw + wide + narrow != 1) break;
    if (raw) {
      Reading reading = in_range(numbers[0], lowest_raw, highest_raw);
      if (reading.lqo) reading.lqo = lqo_of_raw(*reading.lqo, band);
      return reading;
    }
    if (wide != (band == PesqBand::wide))
      return {std::nullopt, fmt::format("a {} one", name_of(wide ? PesqBand::wide : PesqBand::narrow))};
    return in_range(numbers.back(), lowest_lqo, highest_lqo);
  }
  if (lines.empty()) return {std::nullopt, "nothing"};
  const std::vector<double> numbers = numbers_in(lines.back());
  return numbers.size() == 1 ? in_range(numbers[0], lowest_lqo, highest_lqo) : Reading{std::nullopt, "no number"};
}

// The ITU's program says "Processing error!" where it finds no speech, the Python package "No utterances detected".
bool says_no_utterances(const ChildResult& result) {
  std::string text = result.output + "\n" + result.errors;
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text.find("no utterance") != std::string::npos || text.find("processing error!") != std::string::npos;
}

// ` and "last line"`, or nothing: shortened, and in ASCII, because a program may print any bytes.
std::string last_words(const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string line = lines.back().substr(0, 200);
  for (char& c : line)
    if (c < ' ' || c > '~') c = '?';
  return fmt::format(" and \"{}\"", line);
}

std::string how_it_ended(const ChildResult& result, const ChildLimits& limits) {
  switch (result.end) {
    case ChildResult::End::exited:
      return fmt::format("exit code {}", result.code);
    case ChildResult::End::signalled:
      return fmt::format("its end by signal {} ({})", result.code, strsignal(result.code));
    case ChildResult::End::timed_out:
      return fmt::format("none within {:g} s", limits.seconds);
    case ChildResult::End::printed_too_much:
      return fmt::format("over {} bytes of output", limits.bytes);
  }
  return "";
}

}  // namespace

PesqProgram::PesqProgram(Options options) : options_(std::move(options)), words_(split_command(options_.command)) {
  if (words_.empty()) throw UsageError("expected a PESQ program, got an empty command");
  if (!(options_.time_limit_s > 0))
    throw_error<UsageError>("expected a PESQ program's time limit above 0 s, got {}", options_.time_limit_s);
  words_[0] = find_program(words_[0]).string();
  std::error_code failure;
  for (size_t i = 1; i < words_.size(); ++i)
    if (fs::is_regular_file(words_[i], failure)) words_[i] = fs::absolute(words_[i]).string();
  const fs::path temporary = fs::temp_directory_path(failure);
  if (failure) throw_error<InputError>("TMPDIR: expected a folder for temporary files, got {}", failure.message());
  temporary_ = fs::absolute(temporary);
}

Score PesqProgram::score(std::span<const float> reference, std::span<const float> degraded, int sample_rate,
                         PesqBand band) const {
  if (reference.size() != degraded.size())
    throw_error("[pesq] expected signals of one length, got {} and {} samples", reference.size(), degraded.size());
  for (const auto signal : {reference, degraded})
    for (const float x : signal)
      if (!std::isfinite(x)) throw_error("[pesq] expected finite samples, got {}", x);
  if (band == PesqBand::wide && sample_rate != 16000) return {{}, "wide-band PESQ is for 16000 Hz"};
  if (sample_rate != 8000 && sample_rate != 16000) return {{}, "PESQ is for 8000 and 16000 Hz"};
  if (reference.size() < static_cast<size_t>(sample_rate) / 4) return {{}, "shorter than the 1/4 s that PESQ needs"};
  if (is_silent(reference)) return {{}, "the reference is silent"};
  if (is_silent(degraded)) return {{}, "the estimate is silent"};

  const Temporary folder = Temporary::subfolder(temporary_, "sunder-pesq-");
  if (!folder.open())
    throw_error("{}: a temporary folder cannot be created: {}", temporary_.string(), std::strerror(errno));
  std::vector<std::string> arguments = words_;
  arguments.push_back(fmt::format("+{}", sample_rate));
  if (band == PesqBand::wide) arguments.emplace_back("+wb");
  for (const auto& [name, signal] : {std::pair("ref.wav", reference), std::pair("deg.wav", degraded)}) {
    arguments.push_back(folder.path() / name);
    write_wav(arguments.back(), in_16_bits(signal), sample_rate, WavFormat::pcm16);
  }
  const ChildLimits limits{.seconds = options_.time_limit_s};
  const ChildResult result = run_child(arguments, folder.path(), limits);

  const std::vector<std::string> output = lines_of(result.output), errors = lines_of(result.errors);
  const auto fail = [&](const std::string& found, const std::vector<std::string>& words) {
    throw_error("PESQ program {}: expected a {} score, got {}{}", options_.command, name_of(band), found,
                last_words(words));
  };
  const bool exited = result.end == ChildResult::End::exited;
  const Reading reading = read_score(output, band);
  if (exited && result.code == 0 && reading.lqo) return {reading.lqo};
  if (exited && says_no_utterances(result)) return {{}, "PESQ finds no utterances"};
  if (!exited || result.code != 0) fail(how_it_ended(result, limits), errors.empty() ? output : errors);
  fail(reading.found, output.empty() ? errors : output);
  return {};
}

}  // namespace sunder
