// The header of a WAV file that comes through a pipe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "audio/input_stream.h"
#include "audio/sound_reader.h"

namespace sunder {

struct WavStreamHeader {
  std::string format;             // contents of the "fmt " chunk
  std::optional<uint64_t> bytes;  // of samples; nothing: to the end of the stream
  bool ends = false;              // the header says that nothing but chunks follows the samples
};

// Reads up to the first sample. Throws InputError for what is no WAV file or is cut short before its samples.
WavStreamHeader read_wav_header(InputStream& stream);

// A header of RF64 for so many bytes of samples, and one of RIFF that gives no size.
std::string rf64_header(const std::string& format, uint64_t bytes);
std::string endless_wav_header(const std::string& format);
// The contents of its "fmt " chunk.
std::string raw_format(const RawForm& form);

// Reads the stream to its end. Throws InputError where something else than chunks follows `bytes` bytes of samples.
void check_behind_wav(InputStream& stream, const WavStreamHeader& header);

}  // namespace sunder
