#include "programs/separate_outputs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "command/output.h"
#include "tensor/error.h"

namespace sunder {
namespace {

constexpr const char* standard_output = "standard output";

std::unique_ptr<SoundWriter> open_standard_output(const SeparateOptions& options, int64_t voices, int sample_rate) {
  FileDescriptor file(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!file.is_open()) throw_error("{}: cannot be written: {}", standard_output, std::strerror(errno));
  const RawCoding headed = options.output_format == "wav16" ? RawCoding::s16le : RawCoding::f32le;
  const std::optional<RawCoding> raw = raw_coding(options.output_format);
  return stream_sound(std::move(file), standard_output, {raw.value_or(headed), sample_rate, static_cast<int>(voices)},
                      /*header=*/!raw);
}

}  // namespace

void Level::add(std::span<const float> signal) {
  samples += static_cast<int64_t>(signal.size());
  for (const float sample : signal) {
    energy += static_cast<double>(sample) * sample;
    peak = std::max<double>(peak, std::abs(sample));
  }
}

SeparateOutputs::SeparateOutputs(const SeparateOptions& options, const SeparateInput& input, int64_t voices,
                                 int sample_rate, std::optional<int64_t> frames) {
  if (options.to_standard_output()) {
    voices_.assign(voices, {standard_output, {}});
    writers_.push_back(open_standard_output(options, voices, sample_rate));
    return;
  }
  const WavFormat format = options.output_format == "wav16" ? WavFormat::pcm16 : WavFormat::float32;
  for (int64_t v = 0; v < voices; ++v) {
    voices_.push_back({input.estimate(options, v).string(), {}});
    writers_.push_back(create_wav(voices_.back().path, sample_rate, format, 1, frames));
  }
}

void SeparateOutputs::write(const std::vector<std::vector<float>>& voices) {
  for (size_t v = 0; v < voices.size(); ++v) voices_[v].level.add(voices[v]);
  if (writers_.size() == voices.size()) {
    for (size_t v = 0; v < voices.size(); ++v) writers_[v]->write(std::span<const float>(voices[v]));
    return;
  }
  std::vector<float> frame_by_frame(voices[0].size() * voices.size());
  for (size_t v = 0; v < voices.size(); ++v)
    for (size_t t = 0; t < voices[0].size(); ++t) frame_by_frame[t * voices.size() + v] = voices[v][t];
  writers_[0]->write(std::span<const float>(frame_by_frame));
}

void SeparateOutputs::commit() {
  for (size_t w = 0; w < writers_.size(); ++w) {
    writers_[w]->commit();
    if (voices_[w].path != standard_output) print_result("{}\n", voices_[w].path);
  }
}

int64_t SeparateOutputs::clipped() const {
  int64_t sum = 0;
  for (const auto& writer : writers_) sum += writer->clipped();
  return sum;
}

}  // namespace sunder
