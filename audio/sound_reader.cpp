#include "audio/sound_reader.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "audio/containers/container.h"
#include "audio/input_stream.h"
#include "audio/sample_rate.h"
#include "audio/sound_file.h"
#include "audio/wav_stream.h"
#include "files/system_error.h"

namespace sunder {
namespace {

class FileReader : public SoundReader {
 public:
  explicit FileReader(InputFile file) : file_(std::move(file), Depth::whole) {}
  std::string name() const override { return file_.name(); }
  int channels() const override { return file_.channels(); }
  int sample_rate() const override { return file_.sample_rate(); }
  std::optional<int64_t> frames() const override { return file_.frames(); }
  int64_t read(float* to, int64_t count) override { return file_.read(to, count); }

 private:
  SoundFile file_;
};

// The stream's waiting bytes, of which libsndfile looks at some before it reads them.
class WaitingBytes : public InputBytes {
 public:
  explicit WaitingBytes(InputStream& stream) : InputBytes(stream.path()), stream_(stream) {}
  bool read(uint64_t offset, char* to, size_t& count) const override {
    const std::string_view waiting = stream_.waiting();
    const uint64_t at = offset - taken_;
    count = offset < taken_ || at >= waiting.size() ? 0 : waiting.copy(to, count, at);
    return true;
  }
  void take(size_t count) {
    stream_.take(count);
    taken_ += count;
  }

 private:
  InputStream& stream_;
  uint64_t taken_ = 0;
};

// Longer than any stream. Even, as RF64 counts.
constexpr uint64_t endless = uint64_t{1} << 60;

// Samples of a WAV file without its header, which libsndfile gets from us: it would go back and forth.
class StreamReader : public SoundReader {
 public:
  StreamReader(InputStream stream, WavStreamHeader header)
      : stream_(std::move(stream)),
        header_(std::move(header)),
        bytes_(stream_),
        decoder_(bytes_, with_header(header_.format)),
        frame_bytes_(decoder_.frame_bytes()) {}

  std::string name() const override { return stream_.name(); }
  int channels() const override { return decoder_.channels(); }
  int sample_rate() const override { return decoder_.sample_rate(); }
  std::optional<int64_t> frames() const override {
    if (!header_.bytes) return std::nullopt;
    return static_cast<int64_t>(*header_.bytes) / frame_bytes_;
  }
  int64_t read(float* to, int64_t count) override;

 private:
  static SoundStream with_header(const std::string& format) {
    const std::string head = rf64_header(format, endless);
    return {{0, head.size(), head}, {0, endless}};
  }
  int64_t end();

  InputStream stream_;
  WavStreamHeader header_;
  WaitingBytes bytes_;
  Decoder decoder_;
  int64_t frame_bytes_;
  int64_t read_ = 0;  // frames
  bool ended_ = false;
};

int64_t StreamReader::read(float* to, int64_t count) {
  if (ended_) return 0;
  if (header_.bytes) count = std::min(count, *frames() - read_);
  if (count == 0 || !stream_.wait_for(static_cast<size_t>(frame_bytes_))) return end();
  count = std::min(count, static_cast<int64_t>(stream_.waiting().size()) / frame_bytes_);
  if (decoder_.read(to, count) != count)
    throw_error<InputError>("{}: sample {} cannot be decoded: {}", name(), read_, decoder_.problem());
  bytes_.take(static_cast<size_t>(count * frame_bytes_));
  check_finite(name(), to, count, channels(), read_);
  read_ += count;
  return count;
}

int64_t StreamReader::end() {
  ended_ = true;
  const uint64_t bytes = static_cast<uint64_t>(read_ * frame_bytes_);
  const uint64_t left = stream_.waiting().size();
  if (header_.bytes) {
    const uint64_t rest = *header_.bytes % static_cast<uint64_t>(frame_bytes_);
    if (bytes + rest < *header_.bytes || !stream_.skip(rest))
      throw_error<InputError>("{}: cut short: the header says {} bytes of samples, the stream holds {}", name(),
                              *header_.bytes, bytes + left);
    check_behind_wav(stream_, header_);
  } else if (left > 0) {
    throw_error<InputError>("{}: cut short: the last frame has {} of {} bytes", name(), left, frame_bytes_);
  }
  if (read_ == 0) throw_error<InputError>("{}: holds no samples", name());
  return 0;
}

}  // namespace

std::unique_ptr<SoundReader> open_sound(const std::filesystem::path& path) {
  return std::make_unique<FileReader>(InputFile(path));
}

std::unique_ptr<SoundReader> open_raw_stream(FileDescriptor stream, const std::string& name, const RawForm& form) {
  constexpr int most_channels = 1024;
  check_sample_rate<Error>(name, form.sample_rate);
  if (form.channels < 1 || form.channels > most_channels)
    throw_error("{}: expected 1 to {} channels, got {}", name, most_channels, form.channels);
  WavStreamHeader header;
  header.format = raw_format(form);
  return std::make_unique<StreamReader>(InputStream(std::move(stream), name), std::move(header));
}

std::unique_ptr<SoundReader> open_sound_stream(FileDescriptor stream, const std::string& name) {
  struct stat status {};
  if (::fstat(stream.number(), &status) != 0) throw_system_error(name, "cannot be read", errno);
  if (S_ISREG(status.st_mode)) return std::make_unique<FileReader>(InputFile(name, std::move(stream), ""));
  InputStream begun(std::move(stream), name);
  begun.wait_for(12);
  if (begun.waiting().starts_with("RIFF") || begun.waiting().starts_with("RF64")) {
    WavStreamHeader header = read_wav_header(begun);
    return std::make_unique<StreamReader>(std::move(begun), std::move(header));
  }
  FileDescriptor rest = begun.release();
  return std::make_unique<FileReader>(InputFile(name, std::move(rest), begun.waiting()));
}

}  // namespace sunder
