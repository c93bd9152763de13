#include "audio/encoder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "files/file_io.h"
#include "tensor/error.h"

namespace sunder {
namespace {

Sink& sink_of(void* self) { return *static_cast<Sink*>(self); }

sf_count_t checked(Sink& sink, off_t result) {
  if (result < 0 && sink.error == 0) sink.error = errno;
  return result;
}

SF_VIRTUAL_IO calls{[](void* self) -> sf_count_t {
                      Sink& sink = sink_of(self);
                      struct stat status {};
                      if (!sink.seeks) return sink.written;
                      return checked(sink, ::fstat(sink.file, &status)) < 0 ? -1 : status.st_size;
                    },
                    [](sf_count_t at, int from, void* self) {
                      Sink& sink = sink_of(self);
                      return sink.seeks ? checked(sink, ::lseek(sink.file, at, from)) : sink.written;
                    },
                    [](void* to, sf_count_t count, void* self) {
                      Sink& sink = sink_of(self);
                      return checked(sink, ::read(sink.file, to, static_cast<size_t>(count)));
                    },
                    [](const void* from, sf_count_t count, void* self) {
                      return sink_of(self).write(static_cast<const char*>(from), count);
                    },
                    [](void* self) {
                      Sink& sink = sink_of(self);
                      return sink.seeks ? checked(sink, ::lseek(sink.file, 0, SEEK_CUR)) : sink.written;
                    }};

bool is_float(int format) {
  const int coding = format & SF_FORMAT_SUBMASK;
  return coding == SF_FORMAT_FLOAT || coding == SF_FORMAT_DOUBLE;
}

}  // namespace

sf_count_t Sink::write(const char* from, sf_count_t count) {
  if (error != 0) return 0;
  if (!write_all(file, std::as_bytes(std::span(from, static_cast<size_t>(count))))) {
    error = errno;
    return 0;
  }
  written += count;
  return count;
}

Encoder::Encoder(std::string name, Sink sink, int format, int sample_rate, int channels)
    : name_(std::move(name)), sink_(sink), channels_(channels), format_(format) {
  if (channels < 1) throw_error("[write_wav] expected channels, got {}", channels);
  SF_INFO info{};
  info.channels = channels;
  info.samplerate = sample_rate;
  info.format = format;
  sound_.reset(sf_open_virtual(&calls, SFM_WRITE, &info, &sink_));
  if (!sound_) fail(sf_strerror(nullptr));
  sf_command(sound_.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
  // The PEAK chunk carries a time stamp; without it equal samples make equal files.
  sf_command(sound_.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
}

void Encoder::write(std::span<const float> samples) { encode(samples, sf_writef_float); }
void Encoder::write(std::span<const double> samples) { encode(samples, sf_writef_double); }

void Encoder::close() {
  if (sf_close(sound_.release()) != 0 || sink_.error != 0) fail("not all samples were written");
}

void Encoder::fail(const char* otherwise) const {
  throw_error("{}: cannot be written: {}", name_, sink_.error != 0 ? std::strerror(sink_.error) : otherwise);
}

template <class T>
void Encoder::encode(std::span<const T> samples, sf_count_t (*encoder)(SNDFILE*, const T*, sf_count_t)) {
  if (samples.size() % channels_ != 0)
    throw_error("[write_wav] expected whole frames of {} channels, got {} samples", channels_, samples.size());
  if (!is_float(format_))
    clipped_ += std::ranges::count_if(samples, [](T sample) { return !(sample >= -1 && sample < 1); });
  const auto frames = static_cast<sf_count_t>(samples.size() / channels_);
  if (encoder(sound_.get(), samples.data(), frames) != frames || sink_.error != 0) fail("not all samples were written");
}

}  // namespace sunder
