// Samples into an open file or pipe, by libsndfile.
#pragma once

#include <sndfile.h>

#include <memory>
#include <string>

#include "audio/sound_writer.h"

namespace sunder {

// libsndfile goes on after a write of its header that failed, and says nothing: the calls are ours, and remember it.
struct Sink {
  int file;
  bool seeks = true;       // a file; else only written to
  int error = 0;           // errno of the first call that failed
  sf_count_t written = 0;  // bytes, where it does not seek

  // Waits for a pipe that its owner does not want to wait for.
  sf_count_t write(const char* from, sf_count_t count);
};

class Encoder : public SoundWriter {
 public:
  // `format`: libsndfile's own. `name`: for messages. All functions throw Error with it and the system's reason.
  Encoder(std::string name, Sink sink, int format, int sample_rate, int channels);
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  void write(std::span<const float> samples) override;
  void write(std::span<const double> samples) override;
  int64_t clipped() const override { return clipped_; }

 protected:
  SNDFILE* sound() { return sound_.get(); }
  void close();

 private:
  struct Close {
    void operator()(SNDFILE* file) const { sf_close(file); }
  };

  [[noreturn]] void fail(const char* otherwise) const;
  template <class T>
  void encode(std::span<const T> samples, sf_count_t (*encoder)(SNDFILE*, const T*, sf_count_t));

  const std::string name_;
  Sink sink_;
  const int channels_, format_;
  int64_t clipped_ = 0;
  std::unique_ptr<SNDFILE, Close> sound_;
};

}  // namespace sunder
