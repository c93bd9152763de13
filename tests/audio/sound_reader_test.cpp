#include "audio/sound_reader.h"

#include <fcntl.h>

#include <cmath>
#include <csignal>
#include <thread>

#include "audio/file.h"
#include "tests/audio/sound_files.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class SoundReaderTest : public ScratchFolder {
 protected:
  static std::vector<float> read_all(SoundReader& reader, int64_t block = 777) {
    std::vector<float> all, part(block * reader.channels());
    while (const int64_t got = reader.read(part.data(), block))
      all.insert(all.end(), part.begin(), part.begin() + got * reader.channels());
    EXPECT_EQ(reader.read(part.data(), block), 0) << "the end stays the end";
    return all;
  }

  // What is read from a pipe with these bytes, which are written in pieces of an odd size.
  template <class Open>
  static std::vector<float> through_pipe(const std::string& bytes, const Open& open) {
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::thread writer([&] {
      const FileDescriptor out(ends[1]);
      for (size_t at = 0; at < bytes.size(); at += 1001)
        if (::write(out.number(), bytes.data() + at, std::min<size_t>(1001, bytes.size() - at)) < 0) return;
    });
    std::vector<float> samples;
    std::exception_ptr failure;
    try {
      samples = read_all(*open(FileDescriptor(ends[0])));
    } catch (...) {
      failure = std::current_exception();
    }
    writer.join();
    if (failure) std::rethrow_exception(failure);
    return samples;
  }
  static std::vector<float> stream(const std::string& bytes) {
    return through_pipe(bytes, [](FileDescriptor from) { return open_sound_stream(std::move(from), "the pipe"); });
  }
};

TEST_F(SoundReaderTest, BlocksOfFilesAreTheWhole) {
  const std::vector<float> samples = ramp(9000);
  const std::map<std::string, int> kinds = {
      {"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},  {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24},
      {"a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS},  {"a.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III},
      {"a.aiff", SF_FORMAT_AIFF | SF_FORMAT_FLOAT}, {"a.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_32}};
  for (const auto& [name, format] : kinds) {
    write_with(folder_ / name, format, samples, 2);
    if (name == "a.ogg") write("a.ogg", read("a.ogg") + read("a.ogg"));  // a chain
    const Audio whole = read_audio(folder_ / name);
    for (const int64_t block : {1, 100, 100000}) {
      const auto reader = open_sound(folder_ / name);
      EXPECT_EQ(reader->channels(), 2);
      EXPECT_EQ(reader->sample_rate(), 16000);
      EXPECT_EQ(reader->frames(), whole.frames);
      ASSERT_EQ(read_all(*reader, block), whole.samples) << name << " in blocks of " << block;
    }
  }
}

TEST_F(SoundReaderTest, FilesThatAreBrokenAreFoundOnTheWay) {
  std::vector<float> samples = ramp(5000);
  write_with(folder_ / "cut.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, samples);
  write("cut.flac", read("cut.flac").substr(0, 2000));
  expect_error<InputError>([&] { read_all(*open_sound(folder_ / "cut.flac")); }, {"cut.flac", "cut short"});
  samples[4001] = NAN;
  write_wav(folder_ / "nan.wav", samples, 8000, WavFormat::float32, 2);
  expect_error<InputError>([&] { read_all(*open_sound(folder_ / "nan.wav")); },
                           {"nan.wav", "nan at sample 2000 of channel 2"});
}

TEST_F(SoundReaderTest, PipesGiveTheSamplesOfTheFile) {
  for (const int coding : {SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_PCM_32, SF_FORMAT_FLOAT,
                           SF_FORMAT_DOUBLE, SF_FORMAT_ULAW, SF_FORMAT_ALAW}) {
    for (const int container : {SF_FORMAT_WAV, SF_FORMAT_WAVEX, SF_FORMAT_RF64, SF_FORMAT_FLAC}) {
      if (container == SF_FORMAT_FLAC && coding != SF_FORMAT_PCM_16) continue;
      write_with(folder_ / "a", container | coding, ramp(9003), 3);
      ASSERT_EQ(stream(read("a")), read_audio(folder_ / "a").samples) << std::hex << (container | coding);
    }
  }
}

TEST_F(SoundReaderTest, HeadersWithoutASizeMeanToTheEnd) {
  const std::string data = "\x01\x02\x03\x04\x05\x06";
  const std::vector<float> expected = read_audio(write("a.wav", wav(data, 6))).samples;
  for (const uint32_t size : {0xFFFFFFFFu, 0x80000000u, 0x7FFFF000u, 0u}) EXPECT_EQ(stream(wav(data, size)), expected);
  EXPECT_EQ(stream(wav(data, 6, "LIST" + u32(4) + "INFO")), expected);
  EXPECT_EQ(stream(wav(data, 6, std::string(3, '\0'))), expected);
}

TEST_F(SoundReaderTest, StreamsThatAreBrokenAreNamed) {
  const std::string data(1000, '\x11');
  const auto refused = [&](const std::string& bytes, const std::string& reason) {
    expect_error<InputError>([&] { stream(bytes); }, {"the pipe: ", reason});
  };
  refused("", "got nothing");
  refused("this is no sound", "cannot be read as audio");
  refused("RIFF1234AVI LIST", "expected a WAV file");
  refused(wav(data, 1000).substr(0, 30), "cut short: a WAV file without a data chunk");
  refused(wav(data, 1002), "cut short: the header says 1002 bytes of samples, the stream holds 1000");
  refused(wav(data, 0xFFFFFFFF) + "x", "the last frame has 1 of 2 bytes");
  refused(wav(data, 1000) + wav(data, 1000), "another one behind its end");
  refused(wav(data, 600), "what follows them is not a chunk");
  refused(wav("", 0), "holds no samples");
  refused(wav("", 0, "LIST" + u32(4) + "INFO"), "holds no samples");
  refused(wav("", 0xFFFFFFFF), "holds no samples");
  const std::string once = wav(data, 1000);
  refused(once.substr(0, 36) + once.substr(12), "one chunk \"fmt \"");
  refused(once.substr(0, 12) + once.substr(36), "expected a \"fmt \" chunk before");
  std::string rate = once;
  refused(rate.replace(24, 4, u32(5)), "sample rate from 1000");
  std::string adpcm = once;
  refused(adpcm.replace(20, 1, "\x02"), "the pipe");
  write_wav(folder_ / "nan.wav", std::vector<float>{0, 1, INFINITY}, 8000);
  refused(read("nan.wav"), "inf at sample 2 of channel 1");
}

// A microphone: what has been recorded is there before the end.
TEST_F(SoundReaderTest, NothingWaitsForMore) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const FileDescriptor out(ends[1]);
  const auto say = [&](const std::string& bytes) {
    ASSERT_EQ(::write(out.number(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  };
  std::vector<float> block(1000);
  say(wav("\x01\x02\x03", 0xFFFFFFFF));
  const auto reader = open_sound_stream(FileDescriptor(ends[0]), "the pipe");
  EXPECT_EQ(reader->frames(), std::nullopt);
  EXPECT_EQ(reader->read(block.data(), 1000), 1);
  say("\x04\x05\x06\x07\x08");
  EXPECT_EQ(reader->read(block.data(), 2), 2);
  EXPECT_EQ(reader->read(block.data(), 2), 1);
  EXPECT_EQ(block[0], 0x0807 / 32768.0f);
}

TEST_F(SoundReaderTest, RawSamplesAreScaledAsInFiles) {
  const std::map<RawCoding, int> codings = {{RawCoding::s16le, SF_FORMAT_PCM_16},
                                            {RawCoding::s24le, SF_FORMAT_PCM_24},
                                            {RawCoding::s32le, SF_FORMAT_PCM_32},
                                            {RawCoding::f32le, SF_FORMAT_FLOAT}};
  for (const auto& [coding, subtype] : codings) {
    write_with(folder_ / "a.raw", SF_FORMAT_RAW | SF_ENDIAN_LITTLE | subtype, ramp(3000), 2);
    write_with(folder_ / "a.wav", SF_FORMAT_WAV | subtype, ramp(3000), 2);
    const auto raw = [&](int rate, int channels) {
      return [&, rate, channels](FileDescriptor from) {
        return open_raw_stream(std::move(from), "the pipe", {coding, rate, channels});
      };
    };
    ASSERT_EQ(through_pipe(read("a.raw"), raw(16000, 2)), read_audio(folder_ / "a.wav").samples) << subtype;
    expect_error<InputError>([&] { through_pipe(read("a.raw") + "x", raw(16000, 2)); }, {"the last frame has 1 of"});
    expect_error<InputError>([&] { through_pipe("", raw(16000, 2)); }, {"holds no samples"});
    EXPECT_THROW(through_pipe(read("a.raw"), raw(10, 2)), Error);
    EXPECT_THROW(through_pipe(read("a.raw"), raw(16000, 0)), Error);
  }
}

}  // namespace
}  // namespace sunder
