// Audio files through libsndfile: WAV (also RF64, RIFX, W64), FLAC, OGG (Vorbis, Opus; all links of a chain), MP3,
// AIFF, AU, CAF and NIST, of PCM, floating-point, A-law, u-law or ALAC samples. A file that is truncated, whose header
// gives a wrong size or that holds NaN or infinite samples is an error, never a shorter or broken signal; where the
// header gives no size, as behind a pipe, the samples run to the end of the file. A path is opened once, so it may be a
// pipe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace sunder {

struct AudioInfo {
  int channels = 0;
  int sample_rate = 0;  // Hz
  int64_t frames = 0;   // samples of one channel
};

// Interleaved samples: sample `t` of channel `c` is samples[t * channels + c]. Integer formats are divided by their
// full scale (16 bits: by 32768). T is float, or double for scoring files of 32 and 64 bits without rounding.
template <class T>
struct BasicAudio {
  std::vector<T> samples;
  int channels = 0;
  int sample_rate = 0;
  int64_t frames = 0;
};
using Audio = BasicAudio<float>;
using AudioDouble = BasicAudio<double>;

// What the header says, without decoding unless it says nothing. Throws InputError if the file is missing, may not be
// read, is empty, of another format, has no samples, has a rate out of bounds (audio/sample_rate.h) or is truncated and
// its container shows it; Error with the system's reason for what is not the file's fault (files/system_error.h).
AudioInfo audio_info(const std::filesystem::path& path);

// The whole file. Throws InputError as audio_info does, for fewer samples than the header says, and for a sample that
// is NaN or infinite; OutOfMemory with its name where it is too long.
Audio read_audio(const std::filesystem::path& path);
AudioDouble read_audio_double(const std::filesystem::path& path);

// Frames `begin` to `begin + frames - 1`, the same samples as in the whole, without decoding those before (except in
// FLAC without a length) and behind; what lies outside is not looked at. Throws InputError as audio_info does, for a
// sample that is NaN or infinite, and where the file holds fewer frames.
Audio read_audio(const std::filesystem::path& path, int64_t begin, int64_t frames);
AudioDouble read_audio_double(const std::filesystem::path& path, int64_t begin, int64_t frames);

// As read_audio; throws InputError for more than one channel too.
Audio read_mono(const std::filesystem::path& path);

// One channel, from 0 on.
std::vector<float> channel_of(const Audio& audio, int channel);
// The channels as rows: (channels, frames), float32 on the CPU.
Tensor deinterleaved(const Audio& audio);
// The reverse: rows (channels, frames) as interleaved samples. T is float or double.
template <class T>
std::vector<T> interleaved(std::span<const T> rows, int64_t channels);

enum class WavFormat { float32, pcm16, float64 };

// Writes a WAV file of `channels` interleaved channels, completely or not at all (files/atomic_file.h). pcm16 clips at
// full scale and rounds as the Python package soundfile does. A file of more than `largest_riff` bytes is RF64 (EBU
// Tech 3306). Throws Error with the system's reason.
inline constexpr uint64_t riff_limit = 0xFFFFFFFF;
void write_wav(const std::filesystem::path& path, std::span<const float> samples, int sample_rate,
               WavFormat format = WavFormat::float32, int channels = 1, uint64_t largest_riff = riff_limit);
// The same with 64-bit samples, for impulse responses.
void write_wav_float64(const std::filesystem::path& path, std::span<const double> samples, int sample_rate,
                       int channels = 1, uint64_t largest_riff = riff_limit);

}  // namespace sunder
