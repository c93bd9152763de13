#include "audio/decoder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "audio/sample_rate.h"
#include "files/system_error.h"

namespace sunder {
namespace {

// ADPCM, GSM and the like pad their last block: such a file does not say how many samples were recorded.
bool counts_samples(int format) {
  const int container = format & SF_FORMAT_TYPEMASK;
  for (const int whole : {SF_FORMAT_FLAC, SF_FORMAT_OGG, SF_FORMAT_MPEG})
    if (container == whole) return true;
  for (const int coding : {SF_FORMAT_PCM_S8, SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_PCM_32,
                           SF_FORMAT_FLOAT, SF_FORMAT_DOUBLE, SF_FORMAT_ULAW, SF_FORMAT_ALAW, SF_FORMAT_ALAC_16,
                           SF_FORMAT_ALAC_20, SF_FORMAT_ALAC_24, SF_FORMAT_ALAC_32})
    if ((format & SF_FORMAT_SUBMASK) == coding) return true;
  return false;
}

// libsndfile looks for chunks after the samples too, and the last one of a name counts.
bool has_twice(SNDFILE* file, const char* name) {
  SF_CHUNK_INFO chunk{};
  std::memcpy(chunk.id, name, chunk.id_size = 4);
  SF_CHUNK_ITERATOR* found = sf_get_chunk_iterator(file, &chunk);
  return found && sf_next_chunk_iterator(found);
}

}  // namespace

SF_VIRTUAL_IO Decoder::callbacks() {
  SF_VIRTUAL_IO io{};
  io.get_filelen = [](void* self) { return static_cast<Decoder*>(self)->size_; };
  io.tell = [](void* self) { return static_cast<Decoder*>(self)->position_; };
  io.read = [](void* to, sf_count_t count, void* self) {
    return static_cast<Decoder*>(self)->read_bytes(static_cast<char*>(to), count);
  };
  io.seek = [](sf_count_t offset, int whence, void* self) {
    auto& decoder = *static_cast<Decoder*>(self);
    const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? decoder.position_ : decoder.size_;
    if (offset < -from || offset > decoder.size_ - from) return sf_count_t{-1};
    return decoder.position_ = from + offset;
  };
  io.write = [](const void*, sf_count_t, void*) { return sf_count_t{0}; };
  return io;
}

Decoder::Decoder(const InputBytes& file, SoundStream stream) : file_(file), stream_(std::move(stream)) {
  for (const Piece& piece : stream_) size_ += static_cast<sf_count_t>(piece.size);
  SF_VIRTUAL_IO io = callbacks();
  sound_.reset(sf_open_virtual(&io, SFM_READ, &info_, this));
  check_system();
  if (!sound_) throw_error<InputError>("{}: cannot be read as audio: {}", file_.name(), sf_strerror(nullptr));
  check_form();
}

void Decoder::check_form() {
  if (!counts_samples(info_.format))
    throw_error<InputError>(
        "{}: expected samples that are PCM, floating-point, A-law, u-law, FLAC, ALAC, Vorbis, Opus or MP3, got another "
        "encoding",
        file_.name());
  for (const char* name : {"fmt ", "data"})
    if (has_twice(sound_.get(), name))
      throw_error<InputError>("{}: expected one chunk \"{}\" in a WAV file, got more", file_.name(), name);
  check_sample_rate(file_.name(), info_.samplerate);
  if (info_.channels < 1) throw_error<InputError>("{}: expected channels, got {}", file_.name(), info_.channels);
}

std::optional<int64_t> Decoder::frames() const {
  const bool flac = (info_.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC;
  if (info_.frames == SF_COUNT_MAX && flac) return std::nullopt;
  return std::max<int64_t>(info_.frames, 0);
}

int64_t Decoder::frame_bytes() const {
  static const std::map<int, int64_t> sample_bytes = {
      {SF_FORMAT_PCM_U8, 1}, {SF_FORMAT_PCM_16, 2}, {SF_FORMAT_PCM_24, 3}, {SF_FORMAT_PCM_32, 4},
      {SF_FORMAT_FLOAT, 4},  {SF_FORMAT_DOUBLE, 8}, {SF_FORMAT_ULAW, 1},   {SF_FORMAT_ALAW, 1}};
  return sample_bytes.at(info_.format & SF_FORMAT_SUBMASK) * channels();
}

sf_count_t Decoder::read_bytes(char* to, sf_count_t count) {
  sf_count_t done = 0, begin = 0;
  for (const Piece& piece : stream_) {
    const sf_count_t end = begin + static_cast<sf_count_t>(piece.size);
    if (position_ >= begin && position_ < end && done < count && error_ == 0) {
      const auto from = static_cast<uint64_t>(position_ - begin);
      auto part = static_cast<size_t>(std::min(count - done, end - position_));
      if (!piece.bytes.empty()) std::memcpy(to + done, piece.bytes.data() + from, part);
      else if (!file_.read(piece.begin + from, to + done, part)) error_ = errno;
      done += static_cast<sf_count_t>(part), position_ += static_cast<sf_count_t>(part);
    }
    begin = end;
  }
  return done;
}

void Decoder::check_system() const {
  if (error_ != 0) throw_system_error(file_.path(), "cannot be read", error_);
}

int64_t Decoder::read(float* to, int64_t count) {
  const sf_count_t got = sf_readf_float(sound_.get(), to, count);
  check_system();
  return std::max<sf_count_t>(got, 0);
}

int64_t Decoder::read(double* to, int64_t count) {
  const sf_count_t got = sf_readf_double(sound_.get(), to, count);
  check_system();
  return std::max<sf_count_t>(got, 0);
}

bool Decoder::seeks_exactly() const {
  const bool mpeg = (info_.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG;
  return frames() && !mpeg && (info_.format & SF_FORMAT_SUBMASK) != SF_FORMAT_VORBIS;
}

void Decoder::skip_to(int64_t frame) {
  if (seeks_exactly()) {
    const sf_count_t reached = sf_seek(sound_.get(), frame, SEEK_SET);
    check_system();
    if (reached != frame)
      throw_error<InputError>("{}: sample {} cannot be reached: {}", file_.name(), frame, problem());
    return;
  }
  std::vector<float> block(static_cast<size_t>(std::max(1, 65536 / channels())) * channels());
  for (int64_t left = frame; left > 0;) {
    const int64_t got = read(block.data(), std::min<int64_t>(left, static_cast<int64_t>(block.size()) / channels()));
    if (got == 0)
      throw_error<InputError>("{}: sample {} cannot be reached, {} could be decoded", file_.name(), frame,
                              frame - left);
    left -= got;
  }
}

std::string Decoder::problem() const {
  return sf_error(sound_.get()) == SF_ERR_NO_ERROR ? "" : sf_strerror(sound_.get());
}

}  // namespace sunder
