#include "audio/sound_writer.h"

#include <fcntl.h>

#include <map>

#include "tests/audio/sound_files.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class SoundWriterTest : public ScratchFolder {
 protected:
  static void write_blocks(SoundWriter& writer, const std::vector<float>& samples, size_t block) {
    for (size_t at = 0; at < samples.size(); at += block)
      writer.write(std::span(samples).subspan(at, std::min(block, samples.size() - at)));
    writer.commit();
  }
  FileDescriptor file(const std::string& name) const {
    return FileDescriptor(::open((folder_ / name).c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  }
};

TEST_F(SoundWriterTest, BlocksMakeTheFileOfTheWhole) {
  for (const WavFormat format : {WavFormat::float32, WavFormat::pcm16})
    for (const int64_t limit : {int64_t{1000}, int64_t{1} << 40}) {  // RF64, RIFF
      write_wav(folder_ / "whole.wav", ramp(3000), 8000, format, 2, limit);
      const auto writer = create_wav(folder_ / "blocks.wav", 8000, format, 2, 1500, limit);
      write_blocks(*writer, ramp(3000), 14);
      EXPECT_EQ(read("blocks.wav"), read("whole.wav"));
      EXPECT_EQ(writer->clipped(), 0);
    }
}

// As long as it is short it is RIFF, with a chunk "JUNK" in the place of "ds64".
TEST_F(SoundWriterTest, AnUnknownLengthLeavesRoomForRf64) {
  const auto writer = create_wav(folder_ / "a.wav", 8000, WavFormat::float32, 1);
  write_blocks(*writer, ramp(3000), 100);
  EXPECT_EQ(read_audio(folder_ / "a.wav").samples, ramp(3000));
  const std::string bytes = read("a.wav");
  EXPECT_EQ(bytes.substr(0, 4), "RIFF");
  EXPECT_EQ(bytes.substr(12, 8), "JUNK" + u32(24));
}

TEST_F(SoundWriterTest, FilesAreWholeOrAbsent) {
  write("a.wav", "what was here");
  {
    const auto writer = create_wav(folder_ / "a.wav", 8000, WavFormat::float32, 1);
    writer->write(std::span<const float>(ramp(3000)));
    EXPECT_EQ(read("a.wav"), "what was here");
  }
  EXPECT_EQ(read("a.wav"), "what was here");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "left behind";
  const auto writer = create_wav(folder_ / "a.wav", 8000, WavFormat::float32, 2);
  EXPECT_THROW(writer->write(std::span<const float>(ramp(3))), Error);
  EXPECT_THROW(create_wav(folder_ / "a.wav", 8000, WavFormat::float32, 0), Error);
}

TEST_F(SoundWriterTest, ClippedSamplesAreCounted) {
  const std::vector<float> loud = {0.5f, 1.0f, 1.5f, -1.0f, -1.01f, 0.99999f, -7};
  const auto whole = create_wav(folder_ / "a.wav", 8000, WavFormat::pcm16, 1);
  write_blocks(*whole, loud, 2);
  EXPECT_EQ(whole->clipped(), 4);
  EXPECT_EQ(read_mono(folder_ / "a.wav").samples[4], -1);
  const auto exact = create_wav(folder_ / "b.wav", 8000, WavFormat::float32, 1);
  write_blocks(*exact, loud, 2);
  EXPECT_EQ(exact->clipped(), 0);
  EXPECT_EQ(read_mono(folder_ / "b.wav").samples, loud);
}

TEST_F(SoundWriterTest, StreamsAreWhatLibsndfileWrites) {
  const std::map<RawCoding, int> codings = {{RawCoding::s16le, SF_FORMAT_PCM_16},
                                            {RawCoding::s24le, SF_FORMAT_PCM_24},
                                            {RawCoding::s32le, SF_FORMAT_PCM_32},
                                            {RawCoding::f32le, SF_FORMAT_FLOAT}};
  for (const auto& [coding, subtype] : codings) {
    const std::string name = fmt::format("{}.raw", subtype), headed = fmt::format("{}.wav", subtype);
    write_blocks(*stream_sound(file(name), name, {coding, 8000, 2}, false), ramp(3000), 100);
    write_blocks(*stream_sound(file(headed), headed, {coding, 8000, 2}, true), ramp(3000), 100);
    EXPECT_EQ(read(headed).substr(44), read(name));
    const Audio audio = read_audio(folder_ / headed);  // its header says: to the end
    EXPECT_EQ(audio.channels, 2);
    EXPECT_EQ(audio.sample_rate, 8000);
    EXPECT_EQ(audio.samples, ramp(3000)) << "multiples of 1/128, which every format holds";
  }
}

TEST_F(SoundWriterTest, InMemoryItIsTheSameFile) {
  std::vector<float> loud = ramp(3000);
  loud[7] = 1.5f, loud[9] = -2;
  for (const WavFormat format : {WavFormat::float32, WavFormat::pcm16}) {
    write_wav(folder_ / "a.wav", loud, 8000, format, 2);
    const WavBytes file = wav_in_memory(loud, 8000, format, 2);
    EXPECT_EQ(file.bytes, read("a.wav"));
    EXPECT_EQ(file.clipped, format == WavFormat::pcm16 ? 2 : 0);
  }
}

TEST_F(SoundWriterTest, WhatCannotBeWrittenIsNamed) {
  FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const auto writer = stream_sound(std::move(full), "the pipe", {RawCoding::s16le, 8000, 1}, false);
  expect_error<Error>([&] { writer->write(std::span<const float>(ramp(100000))); },
                      {"the pipe: cannot be written: No space left on device"});
}

}  // namespace
}  // namespace sunder
