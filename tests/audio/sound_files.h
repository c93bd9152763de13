// Sound files of all kinds for tests: through libsndfile, and by hand where a header is to be odd.
#pragma once

#include <gtest/gtest.h>
#include <sndfile.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sunder {

inline std::string u32(uint32_t value) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}
inline std::string u32_big(uint32_t value) {
  const std::string bytes = u32(value);
  return {bytes.rbegin(), bytes.rend()};
}

// A hand-made WAV file: 16-bit mono at 8 kHz; the sizes in its header may be wrong.
inline std::string wav(const std::string& data, uint32_t claimed, const std::string& behind = "") {
  const std::string format =
      std::string("\x01\x00\x01\x00", 4) + u32(8000) + u32(16000) + std::string("\x02\x00\x10\x00", 4);
  const std::string body = "WAVEfmt " + u32(16) + format + "data" + u32(claimed) + data + behind;
  return "RIFF" + u32(static_cast<uint32_t>(body.size())) + body;
}

inline std::vector<float> ramp(int count) {
  std::vector<float> samples(count);
  for (int i = 0; i < count; ++i) samples[i] = static_cast<float>(i % 200 - 100) / 128;
  return samples;
}

// `format` is libsndfile's.
inline void write_with(const std::filesystem::path& path, int format, const std::vector<float>& samples,
                       int channels = 1, int sample_rate = 16000) {
  SF_INFO info{};
  info.samplerate = sample_rate;
  info.channels = channels;
  info.format = format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  ASSERT_NE(file, nullptr) << path << ": " << sf_strerror(nullptr);
  sf_write_float(file, samples.data(), static_cast<sf_count_t>(samples.size()));
  sf_close(file);
}

}  // namespace sunder
