// The samples of one stream of a file, by libsndfile.
#pragma once

#include <sndfile.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "audio/containers/container.h"
#include "audio/input_file.h"

namespace sunder {

// `file` must outlive the decoder. All functions throw Error with the system's reason where the file cannot be read.
class Decoder {
 public:
  // Throws InputError where libsndfile does not know the stream, for an encoding that does not count its samples
  // (ADPCM, GSM), for more than one "fmt " or "data" chunk and for a rate out of bounds (audio/sample_rate.h).
  Decoder(const InputBytes& file, SoundStream stream);
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  int channels() const { return info_.channels; }
  int sample_rate() const { return info_.samplerate; }
  // Bytes of a frame of a WAV file.
  int64_t frame_bytes() const;
  // What the header says; nothing where a FLAC stream does not.
  std::optional<int64_t> frames() const;

  // Up to `count` interleaved frames; fewer where the stream ends or is damaged (problem()).
  int64_t read(float* to, int64_t count);
  int64_t read(double* to, int64_t count);
  // Whether libsndfile lands on the frame that it is asked to seek. It does not in Vorbis (up to a block beside) and
  // MP3 (a guess), nor where the stream does not say how long it is.
  bool seeks_exactly() const;
  // Moves on to a frame, by decoding where libsndfile cannot seek. Throws InputError where there is none.
  void skip_to(int64_t frame);
  // What libsndfile says; empty where nothing is wrong.
  std::string problem() const;

 private:
  struct Close {
    void operator()(SNDFILE* file) const { sf_close(file); }
  };
  static SF_VIRTUAL_IO callbacks();
  sf_count_t read_bytes(char* to, sf_count_t count);
  void check_system() const;
  void check_form();

  const InputBytes& file_;
  const SoundStream stream_;
  sf_count_t size_ = 0, position_ = 0;
  int error_ = 0;  // errno of a failed read, which must not be thrown through libsndfile
  SF_INFO info_{};
  std::unique_ptr<SNDFILE, Close> sound_;
};

}  // namespace sunder
