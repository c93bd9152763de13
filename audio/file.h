// Sound files: WAV (PCM, floating-point, A-law, u-law), FLAC and OGG through libsndfile. A file is read whole or not at
// all: one that is cut short, lies about its size or holds NaN or infinite samples is an error, never a shorter or
// broken signal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace sunder {

struct AudioInfo {
  int channels = 0;
  int sample_rate = 0;  // Hz
  int64_t frames = 0;   // samples of one channel
};

// Samples frame by frame: sample `t` of channel `c` is samples[t * channels + c]. Integer formats are scaled by their
// full scale (16 bits: by 1 / 32768).
struct Audio {
  std::vector<float> samples;
  int channels = 0;
  int sample_rate = 0;
  int64_t frames = 0;
};

// What the header says, without decoding. Throws InputError if the file is missing, empty, of another format, holds no
// samples or is cut short where its container shows it (WAV, OGG). The rate is at least 1 Hz.
AudioInfo audio_info(const std::filesystem::path& path);

// The whole file. Throws InputError as audio_info does, and for fewer samples than the header says or a sample that is
// NaN or infinite.
Audio read_audio(const std::filesystem::path& path);

// As read_audio; throws InputError for more than one channel too.
Audio read_mono(const std::filesystem::path& path);

enum class WavFormat { float32, pcm16 };

// Writes a WAV file of `channels` interleaved channels under a temporary name beside `path` and renames it, so that no
// partial file is ever left under `path`. pcm16 clips at full scale and rounds as the Python package soundfile does.
// Throws Error with the reason of the system if the folder is missing or cannot be written to, or the disk is full.
void write_wav(const std::filesystem::path& path, std::span<const float> samples, int sample_rate,
               WavFormat format = WavFormat::float32, int channels = 1);
// The same with 64-bit samples, for impulse responses.
void write_wav_float64(const std::filesystem::path& path, std::span<const double> samples, int sample_rate,
                       int channels = 1);

}  // namespace sunder
