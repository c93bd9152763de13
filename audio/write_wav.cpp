#include <algorithm>

#include "audio/sound_writer.h"

namespace sunder {
namespace {

template <class T>
void write_all(const std::filesystem::path& path, std::span<const T> samples, int sample_rate, WavFormat format,
               int channels, uint64_t largest_riff) {
  const auto frames = static_cast<int64_t>(samples.size()) / std::max(channels, 1);
  const auto writer = create_wav(path, sample_rate, format, channels, frames, largest_riff);
  writer->write(samples);
  writer->commit();
}

}  // namespace

void write_wav(const std::filesystem::path& path, std::span<const float> samples, int sample_rate, WavFormat format,
               int channels, uint64_t largest_riff) {
  write_all(path, samples, sample_rate, format, channels, largest_riff);
}

void write_wav_float64(const std::filesystem::path& path, std::span<const double> samples, int sample_rate,
                       int channels, uint64_t largest_riff) {
  write_all(path, samples, sample_rate, WavFormat::float64, channels, largest_riff);
}

}  // namespace sunder
