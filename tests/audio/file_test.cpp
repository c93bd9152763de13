#include "audio/file.h"

#include <sys/resource.h>

#include <csignal>
#include <limits>

#include "audio/silence.h"
#include "tests/audio/sound_files.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

using FileTest = ScratchFolder;

TEST_F(FileTest, FloatWavReadsBackToTheSameBits) {
  const std::vector<float> samples = {0.1f, -2.5f, 1e-30f, 0.0f, 0.3f, 7.0f};
  write_wav(folder_ / "a.wav", samples, 44100, WavFormat::float32, 2);
  const Audio audio = read_audio(folder_ / "a.wav");
  EXPECT_EQ(audio.samples, samples);
  EXPECT_EQ(audio.channels, 2);
  EXPECT_EQ(audio.frames, 3);
  EXPECT_EQ(audio.sample_rate, 44100);
  const AudioInfo info = audio_info(folder_ / "a.wav");
  EXPECT_EQ(info.frames, 3);
  EXPECT_EQ(info.channels, 2);
}

TEST_F(FileTest, ChannelsAreRowsAndBack) {
  const Audio audio{{1, 10, 100, 2, 20, 200}, 3, 8000, 2};
  const Tensor rows = deinterleaved(audio);
  EXPECT_EQ(rows.shape(), (Shape{3, 2}));
  EXPECT_EQ(rows.to_vector<float>(), (std::vector<float>{1, 2, 10, 20, 100, 200}));
  EXPECT_EQ(interleaved(std::span(rows.data<float>(), 6), 3), audio.samples);
  const std::vector<double> wide = {1, 2, 3, 4};
  EXPECT_EQ(interleaved(std::span<const double>(wide), 2), (std::vector<double>{1, 3, 2, 4}));
}

TEST_F(FileTest, SilenceIsZerosAlone) {
  EXPECT_TRUE(is_silent(std::vector<double>{0.0, -0.0}));
  EXPECT_TRUE(is_silent(std::vector<float>{}));
  EXPECT_FALSE(is_silent(std::vector<float>{0, 0, 1e-38f}));
  EXPECT_FALSE(is_silent(std::vector<double>{0, NAN}));
}

TEST_F(FileTest, EqualSamplesMakeEqualFiles) {
  write_wav(folder_ / "a.wav", ramp(100), 8000);
  write_wav(folder_ / "b.wav", ramp(100), 8000);
  EXPECT_EQ(read("a.wav"), read("b.wav"));
}

TEST_F(FileTest, IntegerSamplesAreScaledBy32768) {
  const Audio audio = read_mono(write("a.wav", wav(std::string("\x00\x40\x00\x80\xff\x7f", 6), 6)));
  EXPECT_EQ(audio.samples, (std::vector<float>{0.5f, -1.0f, 32767.0f / 32768.0f}));
}

// soundfile.write(path, x, 8000) with x = [0.5, -0.5, 1.5, -1.5, 0.3] gives these words (1.0 clips, the rest is
// floored).
TEST_F(FileTest, Pcm16ClipsAndRoundsAsSoundfile) {
  write_wav(folder_ / "a.wav", std::vector<float>{0.5f, -0.5f, 1.5f, -1.5f, 0.3f}, 8000, WavFormat::pcm16);
  const Audio audio = read_mono(folder_ / "a.wav");
  std::vector<int> words;
  for (const float sample : audio.samples) words.push_back(static_cast<int>(std::lround(sample * 32768)));
  EXPECT_EQ(words, (std::vector<int>{16384, -16384, 32767, -32768, 9830}));
}

TEST_F(FileTest, ReadsFlacAndOgg) {
  write_with(folder_ / "a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, ramp(5000));
  write_with(folder_ / "a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, ramp(5000));
  const std::vector<float> flac = read_mono(folder_ / "a.flac").samples;
  ASSERT_EQ(flac.size(), 5000u);
  for (int i = 0; i < 5000; ++i) ASSERT_NEAR(flac[i], ramp(5000)[i], 1.0 / 32768);  // libsndfile writes by 32767
  EXPECT_EQ(read_mono(folder_ / "a.ogg").frames, 5000);
}

TEST_F(FileTest, MissingEmptyAndForeignFilesAreNamed) {
  expect_error<InputError>([&] { read_audio(folder_ / "no.wav"); }, {"no.wav", "no such file"});
  expect_error<InputError>([&] { read_audio(folder_); }, {folder_.string(), "folder"});
  expect_error<InputError>([&] { read_audio(write("empty.wav", "")); }, {"empty.wav", "empty file"});
  expect_error<InputError>([&] { read_audio(write("text.wav", "hello, this is no sound at all")); }, {"text.wav"});
  expect_error<InputError>([&] { read_audio(write("none.wav", wav("", 0))); }, {"none.wav", "no samples"});
}

TEST_F(FileTest, WavThatLiesAboutItsSizeIsRejected) {
  const std::string data(2000, '\x11');
  EXPECT_EQ(read_mono(write("true.wav", wav(data, 2000))).frames, 1000);
  expect_error<InputError>([&] { read_audio(write("long.wav", wav(data, 3000))); },
                           {"long.wav", "cut short", "3000", "2000"});
  expect_error<InputError>([&] { audio_info(write("huge.wav", wav(data, 0x7FFFFFF0))); }, {"huge.wav", "cut short"});
  expect_error<InputError>([&] { read_audio(write("short.wav", wav(data, 1000))); },
                           {"short.wav", "1000 bytes", "not a chunk"});
  EXPECT_EQ(read_mono(write("list.wav", wav(data, 2000, "LIST" + u32(4) + "INFO"))).frames, 1000);
}

// Every prefix of a file must be refused: none may come back as a shorter signal.
TEST_F(FileTest, FilesCutAnywhereAreRejected) {
  write_wav(folder_ / "whole.wav", ramp(1000), 8000);
  write_with(folder_ / "whole.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, ramp(9000));
  write_with(folder_ / "whole.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, ramp(9000));
  for (const std::string extension : {".wav", ".flac", ".ogg"}) {
    const std::string whole = read("whole" + extension);
    for (size_t size = 1; size < whole.size(); size += 1 + whole.size() / 97) {
      const auto path = write("cut" + extension, whole.substr(0, size));
      EXPECT_THROW(read_audio(path), InputError) << extension << " cut to " << size << " of " << whole.size();
    }
  }
}

// libsndfile skips a damaged page of an OGG stream and returns a shorter signal. Streams may be chained, even with the
// same serial number (as in klettres-data).
TEST_F(FileTest, DamagedOggIsRejected) {
  write_with(folder_ / "whole.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, ramp(20000));
  const std::string whole = read("whole.ogg");
  for (size_t at = 0; at < whole.size(); at += 1 + whole.size() / 499) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    expect_error<InputError>([&] { read_audio(write("damaged.ogg", damaged)); }, {"damaged.ogg"});
  }
  std::vector<size_t> pages;
  for (size_t at = whole.find("OggS"); at != std::string::npos; at = whole.find("OggS", at + 1)) pages.push_back(at);
  ASSERT_GT(pages.size(), 3u);
  std::string missing = whole;
  missing.erase(pages[2], pages[3] - pages[2]);
  expect_error<InputError>([&] { read_audio(write("missing.ogg", missing)); }, {"expected page 2", "got page 3"});
  EXPECT_EQ(read_mono(write("twice.ogg", whole + whole)).sample_rate, 16000);
  expect_error<InputError>([&] { read_audio(write("junk.ogg", whole + "junk")); }, {"junk.ogg", "something else"});
}

// libsndfile takes the last data chunk, even after the end that the header states.
TEST_F(FileTest, SecondChunksAreRejected) {
  const std::string first = wav(std::string(100, '\x11'), 100), second = "data" + u32(50) + std::string(90, '\x22');
  expect_error<InputError>([&] { read_audio(write("two.wav", first + second)); }, {"two.wav", "one chunk \"data\""});
  expect_error<InputError>([&] { read_audio(write("two.wav", wav(std::string(100, '\x11'), 100, second))); },
                           {"two.wav", "one chunk \"data\""});
}

TEST_F(FileTest, RatesThatSoundDoesNotHaveAreRejected) {
  const auto at_rate = [&](uint32_t rate) {
    std::string bytes = wav(std::string(100, '\x11'), 100);
    return write("rate.wav", bytes.replace(bytes.find(u32(8000)), 4, u32(rate)));
  };
  for (const uint32_t rate : {1u, 999u, 768001u, 1000000000u}) {
    const auto path = at_rate(rate);
    const std::string reason = fmt::format("expected a sample rate from 1000 to 768000 Hz, got {}", rate);
    expect_error<InputError>([&] { audio_info(path); }, {"rate.wav", reason});
    expect_error<InputError>([&] { read_audio(path); }, {"rate.wav", reason});
  }
  for (const uint32_t rate : {0u, 0xFFFFFFFFu})
    expect_error<InputError>([&] { audio_info(at_rate(rate)); }, {"rate.wav"});
  for (const int rate : {1000, 768000}) EXPECT_EQ(read_mono(at_rate(rate)).sample_rate, rate);
}

TEST_F(FileTest, RangesAreTheSamplesOfTheWhole) {
  write_wav(folder_ / "a.wav", ramp(30002), 8000, WavFormat::float32, 2);
  write_with(folder_ / "a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, ramp(30000));
  write_with(folder_ / "a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, ramp(30000));
  for (const char* name : {"a.wav", "a.flac", "a.ogg"}) {
    SCOPED_TRACE(name);
    const Audio whole = read_audio(folder_ / name);
    for (const auto& [begin, frames] : std::vector<std::pair<int64_t, int64_t>>{
             {0, 1}, {0, whole.frames}, {4097, 5000}, {whole.frames - 1, 1}, {whole.frames, 0}, {100, 0}}) {
      const Audio part = read_audio(folder_ / name, begin, frames);
      ASSERT_EQ(part.frames, frames);
      EXPECT_EQ(part.channels, whole.channels);
      EXPECT_EQ(part.sample_rate, whole.sample_rate);
      EXPECT_EQ(part.samples, std::vector<float>(whole.samples.begin() + begin * whole.channels,
                                                 whole.samples.begin() + (begin + frames) * whole.channels))
          << begin << " + " << frames;
    }
    for (const auto& [begin, frames] : std::vector<std::pair<int64_t, int64_t>>{
             {whole.frames, 1}, {whole.frames + 1, 0}, {1, whole.frames}, {5, INT64_MAX}, {INT64_MAX, INT64_MAX}})
      expect_error<InputError>([&] { read_audio(folder_ / name, begin, frames); },
                               {name, fmt::format("the file holds {}", whole.frames)});
    expect_error<Error>([&] { read_audio(folder_ / name, -1, 1); }, {"-1"});
  }
}

TEST_F(FileTest, DoublesAreNotRounded) {
  const std::vector<double> samples = {0.1, -1.0 / 3, 1e-300, 1 - 1e-16};
  write_wav_float64(folder_ / "a.wav", samples, 8000);
  EXPECT_EQ(read_audio_double(folder_ / "a.wav").samples, samples);
  EXPECT_EQ(read_audio_double(folder_ / "a.wav", 1, 2).samples, (std::vector<double>{samples[1], samples[2]}));
  EXPECT_EQ(read_mono(folder_ / "a.wav").samples[0], 0.1f);
  // What floats hold is the same either way.
  write("b.wav", wav(std::string("\x00\x40\x00\x80\xff\x7f", 6), 6));
  EXPECT_EQ(read_audio_double(folder_ / "b.wav").samples, (std::vector<double>{0.5, -1.0, 32767.0 / 32768.0}));
  write_wav_float64(folder_ / "nan.wav", std::vector<double>{0, 0, NAN}, 8000);
  expect_error<InputError>([&] { read_audio_double(folder_ / "nan.wav"); }, {"nan.wav", "nan at sample 2"});
  expect_error<InputError>([&] { read_audio_double(folder_ / "nan.wav", 1, 2); }, {"nan.wav", "nan at sample 2"});
  EXPECT_EQ(read_audio_double(folder_ / "nan.wav", 0, 2).frames, 2);
}

TEST_F(FileTest, NanAndInfiniteSamplesAreNamed) {
  std::vector<float> samples(10, 0.1f);
  samples[7] = std::numeric_limits<float>::quiet_NaN();
  write_wav(folder_ / "nan.wav", samples, 8000, WavFormat::float32, 2);
  expect_error<InputError>([&] { read_audio(folder_ / "nan.wav"); }, {"nan.wav", "sample 3 of channel 2", "nan"});
  samples[7] = std::numeric_limits<float>::infinity();
  write_wav(folder_ / "inf.wav", samples, 8000);
  expect_error<InputError>([&] { read_audio(folder_ / "inf.wav"); }, {"inf.wav", "inf"});
}

TEST_F(FileTest, StereoIsNoMonoRecording) {
  write_wav(folder_ / "stereo.wav", ramp(10), 8000, WavFormat::float32, 2);
  expect_error<InputError>([&] { read_mono(folder_ / "stereo.wav"); }, {"stereo.wav", "one channel, got 2"});
}

TEST_F(FileTest, UnwritableFolderIsNamed) {
  expect_error<Error>([&] { write_wav(folder_ / "no" / "a.wav", ramp(10), 8000); },
                      {"no/a.wav", "No such file or directory"});
  write("file", "x");
  expect_error<Error>([&] { write_wav(folder_ / "file" / "a.wav", ramp(10), 8000); }, {"Not a directory"});
}

// Simulates a full disk by a limit on file sizes: writes fail half way.
TEST_F(FileTest, FullDiskLeavesNothingBehind) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit low = before;
  low.rlim_cur = 10000;
  setrlimit(RLIMIT_FSIZE, &low);
  std::string message;
  try {
    write_wav(folder_ / "a.wav", ramp(100000), 8000);
  } catch (const Error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_NE(message.find("a.wav: cannot be written"), std::string::npos) << message;
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

}  // namespace
}  // namespace sunder
