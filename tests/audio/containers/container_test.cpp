// Files as people have them: all kinds that libsndfile decodes, headers that pipes leave unfinished, tags and other
// bytes around the samples, chains; and that a file that is cut is found in each of them.
#include "audio/containers/container.h"

#include <fstream>
#include <tuple>

#include "audio/file.h"
#include "tests/audio/sound_files.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

struct Kind {
  const char* name;
  int format;
  float tolerance;  // of samples against those written; negative: a lossy codec
};

constexpr float step = 1.1f / 32768;
const std::vector<Kind> kinds = {
    {"a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, step},
    {"extensible.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_24, step},
    {"rifx.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16 | static_cast<int>(SF_ENDIAN_BIG), step},
    {"a.rf64", SF_FORMAT_RF64 | SF_FORMAT_FLOAT, 0},
    {"a.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16, step},
    {"a.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_24, step},
    {"a.aifc", SF_FORMAT_AIFF | SF_FORMAT_FLOAT, 0},
    {"sowt.aifc", SF_FORMAT_AIFF | SF_FORMAT_PCM_16 | static_cast<int>(SF_ENDIAN_LITTLE), step},
    {"a.au", SF_FORMAT_AU | SF_FORMAT_PCM_16, step},
    {"little.au", SF_FORMAT_AU | SF_FORMAT_FLOAT | static_cast<int>(SF_ENDIAN_LITTLE), 0},
    {"a.caf", SF_FORMAT_CAF | SF_FORMAT_FLOAT, 0},
    {"alac.caf", SF_FORMAT_CAF | SF_FORMAT_ALAC_16, step},
    {"nist.wav", SF_FORMAT_NIST | SF_FORMAT_PCM_16, step},
    {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, step},
    {"a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, -1},
    {"a.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, -1},
    {"a.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, -1},
};

// The frames of an MP3 file, its first one the Info header that counts the others.
std::string without_info(const std::string& mp3) {
  const size_t next = mp3.find("\xff\xf3", 4);
  return mp3.substr(next);
}

class ContainerTest : public ScratchFolder {
 protected:
  // 0.6 s in two channels; different samples wherever one looks.
  static std::vector<float> sound(int frames = 10001) {
    std::vector<float> samples;
    for (int t = 0; t < frames; ++t)
      for (const double hertz : {440.0, 612.5})
        samples.push_back(
            static_cast<float>(0.4 * std::sin(2 * M_PI * hertz * t / 16000) * std::sin(2 * M_PI * 3 * t / 16000)));
    return samples;
  }
  void write_kind(const Kind& kind, const std::vector<float>& samples = sound()) const {
    write_with(folder_ / kind.name, kind.format, samples, 2);
  }
  Audio decoded(const std::string& name, const std::string& bytes) const { return read_audio(write(name, bytes)); }
  void expect_frames(const std::string& name, const std::string& bytes, int64_t frames) const {
    SCOPED_TRACE(name);
    const fs::path path = write(name, bytes);
    EXPECT_EQ(audio_info(path).frames, frames);
    EXPECT_EQ(read_audio(path).frames, frames);
  }
  void expect_refused(const std::string& name, const std::string& bytes, const std::vector<std::string>& parts) const {
    SCOPED_TRACE(name);
    const fs::path path = write(name, bytes);
    std::vector<std::string> all = parts;
    all.push_back(path.string() + ": ");
    expect_error<InputError>([&] { read_audio(path); }, all);
  }
  static std::string replaced(std::string bytes, size_t at, const std::string& by) {
    return bytes.replace(at, by.size(), by);
  }
};

TEST_F(ContainerTest, EveryKindIsReadWhole) {
  const std::vector<float> samples = sound();
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    write_kind(kind);
    const Audio audio = read_audio(folder_ / kind.name);
    EXPECT_EQ(audio.channels, 2);
    EXPECT_EQ(audio.sample_rate, 16000);
    ASSERT_EQ(audio.frames, 10001);
    EXPECT_EQ(audio_info(folder_ / kind.name).frames, 10001);
    double error = 0, power = 0;
    for (size_t i = 0; i < samples.size(); ++i) {
      error += std::pow(audio.samples[i] - samples[i], 2), power += std::pow(samples[i], 2);
      if (kind.tolerance >= 0) {
        ASSERT_LE(std::abs(audio.samples[i] - samples[i]), kind.tolerance) << i;
      }
    }
    EXPECT_LT(error, 0.01 * power) << "a lossy codec is off by less than -20 dB, and not by a delay";
  }
}

TEST_F(ContainerTest, RangesOfEveryKindAreThoseOfTheWhole) {
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    write_kind(kind);
    const Audio whole = read_audio(folder_ / kind.name);
    for (const auto& [begin, frames] : std::vector<std::pair<int64_t, int64_t>>{{0, 10001}, {4321, 777}, {9999, 2}}) {
      const Audio part = read_audio(folder_ / kind.name, begin, frames);
      EXPECT_EQ(part.samples,
                std::vector<float>(whole.samples.begin() + 2 * begin, whole.samples.begin() + 2 * (begin + frames)))
          << begin << " + " << frames;
    }
    EXPECT_THROW(read_audio(folder_ / kind.name, 9999, 3), InputError);
  }
}

// libsndfile seeks to wrong frames in Vorbis and MP3: there a part is decoded from a stream made for it.
TEST_F(ContainerTest, RangesOfLongCompressedFiles) {
  std::vector<float> samples;
  uint32_t state = 1;
  for (int i = 0; i < 400000; ++i)
    samples.push_back(static_cast<float>((state = state * 1664525 + 1013904223) >> 8) / static_cast<float>(1 << 24) -
                      0.5f);
  const std::string id3 = std::string("ID3\x04\0\0\0\0\x01\x02", 10) + std::string(130, '\x11');
  for (const auto& [name, format, channels, rate] : std::vector<std::tuple<const char*, int, int, int>>{
           {"mono.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 1, 16000},
           {"stereo.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 2, 44100},
           {"a.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 1, 16000},
           {"mono.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 1, 16000},
           {"stereo.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 2, 44100},
           {"a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1, 16000}}) {
    SCOPED_TRACE(name);
    write_with(folder_ / name, format, samples, channels, rate);
    const Audio whole = read_audio(folder_ / name);
    write("tagged", id3 + read(name));
    const auto expect_same = [&](const fs::path& path, const Audio& all, int64_t begin, int64_t frames) {
      const Audio part = read_audio(path, begin, frames);
      EXPECT_EQ(part.samples, std::vector<float>(all.samples.begin() + all.channels * begin,
                                                 all.samples.begin() + all.channels * (begin + frames)))
          << begin << " + " << frames;
    };
    for (const int64_t begin : {0, 1, 5000, 29934, 39320, 56105, 78958, 114196, 160267, 198973})
      expect_same(folder_ / name, whole, begin, 700);
    expect_same(folder_ / name, whole, whole.frames - 3, 3);
    expect_same(folder_ / name, whole, 1234, whole.frames - 2000);
    expect_same(folder_ / "tagged", whole, 123456, 700);
  }
  const std::string mp3 = without_info(read("mono.mp3"));
  const Audio bare = read_audio(write("bare.mp3", mp3));
  for (const int64_t begin : {int64_t{0}, int64_t{100}, int64_t{200000}, bare.frames - 5}) {
    const Audio part = read_audio(folder_ / "bare.mp3", begin, 5);
    EXPECT_EQ(part.samples, std::vector<float>(bare.samples.begin() + begin, bare.samples.begin() + begin + 5));
  }
}

TEST_F(ContainerTest, EveryKindIsRefusedWhereItIsCut) {
  for (const Kind& kind : kinds) {
    write_kind(kind);
    const std::string whole = read(kind.name);
    for (size_t size = 1; size < whole.size(); size += 1 + whole.size() / 23) {
      const fs::path path = write(fs::path("cut") / kind.name, whole.substr(0, size));
      EXPECT_THROW(read_audio(path), InputError) << kind.name << " cut to " << size << " of " << whole.size();
    }
    EXPECT_THROW(decoded(kind.name, whole.substr(0, whole.size() - 1)), InputError) << kind.name << " but one byte";
  }
}

TEST_F(ContainerTest, TagsAndJunkAroundTheSamplesChangeNothing) {
  const std::string id3 = std::string("ID3\x04\0\0\0\0\x01\x02", 10) + std::string(130, '\x11');
  const std::string id3v1 = "TAG" + std::string(125, 'x');
  for (const Kind& kind : kinds) {
    write_kind(kind);
    const std::string plain = read(kind.name);
    const Audio whole = read_audio(folder_ / kind.name);
    std::vector<std::string> variants = {id3 + plain, id3 + id3 + plain};
    const bool ogg = plain.starts_with("OggS");
    if (!ogg) variants.push_back(plain + id3v1);
    if (!ogg && !plain.starts_with("\xff")) variants.push_back(plain + "junk behind the end");
    for (const std::string& bytes : variants)
      EXPECT_EQ(decoded(kind.name, bytes).samples, whole.samples) << kind.name << ", " << bytes.size();
  }
  write_kind(kinds[0]);
  expect_refused("tag.wav", id3.substr(0, 100), {"cut short", "ID3 tag of 140 bytes"});
  expect_refused("tag.wav", id3 + "no sound in this file", {"expected a WAV, FLAC, OGG, MP3"});
}

TEST_F(ContainerTest, WavWithTrailingBytes) {
  const std::string data(2000, '\x11');
  expect_frames("list.wav", wav(data, 2000, "LIST" + u32(4) + "INFO"), 1000);
  expect_frames("cut_list.wav", wav(data, 2000, "LIST" + u32(400) + "INFO"), 1000);
  expect_frames("zeros.wav", wav(data, 2000, std::string(512, '\0')), 1000);
  expect_frames("behind.wav", wav(data, 2000) + std::string(100, '\x12'), 1000);
  expect_frames("few.wav", wav(data, 2000, "abc"), 1000);
  expect_frames("odd.wav", wav(data, 1999, "LIST" + u32(4) + "INFO").erase(44 + 1999, 1), 999);
  expect_refused("second.wav", wav(data, 2000) + wav(data, 2000), {"another one behind its end at byte 2044"});
}

// sox, arecord, ffmpeg and others cannot go back to the header of a pipe.
TEST_F(ContainerTest, WavOfUnknownSizeRunsToTheEnd) {
  const std::string data(2000, '\x11'), whole = wav(data, 2000);
  const Audio audio = decoded("whole.wav", whole);
  for (const uint32_t size : {0u, 0xFFFFFFFFu, 0x7FFFF000u, 0x7FFFFF00u, 0x80000000u, 0x7FFFFFFFu}) {
    SCOPED_TRACE(size);
    for (const uint32_t riff : {0u, 36u, 2036u, size + 36, 0xFFFFFFFFu}) {
      const std::string piped = replaced(replaced(whole, 40, u32(size)), 4, u32(riff));
      expect_frames("piped.wav", piped, 1000);
      EXPECT_EQ(decoded("piped.wav", piped).samples, audio.samples);
      EXPECT_EQ(read_audio(folder_ / "piped.wav", 990, 10).frames, 10);
    }
  }
  // Sizes that only look like those are sizes.
  for (const uint32_t size : {0x7FFFFFF0u, 0x7FFFE000u, 0xFFFFFFF0u})
    expect_refused("long.wav", replaced(whole, 40, u32(size)), {"cut short", std::to_string(size)});
  // 24 bits in two channels: sox writes whole blocks of 6 bytes.
  write_with(folder_ / "24.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, sound(), 2);
  const std::string wide = read("24.wav");
  expect_frames("sox.wav", replaced(wide, wide.find("data") + 4, u32(0x7FFFF000 / 6 * 6)), 10001);
  expect_refused("none.wav", wav("", 0), {"holds no samples"});
  expect_refused("none.wav", wav("", 0, "LIST" + u32(4) + "INFO"), {"holds no samples"});
  expect_refused("none.wav", wav("", 0xFFFFFFFF), {"holds no samples"});
}

TEST_F(ContainerTest, OtherKindsOfUnknownSizeRunToTheEnd) {
  const auto with = [&](const std::string& name, const std::string& mark, size_t behind, const std::string& size) {
    const std::string bytes = read(name);
    expect_frames("piped-" + name, replaced(bytes, bytes.find(mark) + behind, size), 10001);
  };
  for (const Kind& kind : kinds) write_kind(kind);
  const std::string zero(8, '\0'), all(8, '\xff');
  for (const std::string& size : {zero.substr(4), all.substr(4)}) {
    with("rifx.wav", "data", 4, size);
    with("a.aiff", "SSND", 4, size);
    with("a.aifc", "SSND", 4, size);
    with("a.au", ".snd", 8, size);
    with("little.au", "dns.", 8, size);
  }
  with("a.aiff", "SSND", 4, u32_big(0x7F000008));  // sox
  for (const std::string& size : {zero, all}) {
    with("a.rf64", "ds64", 16, size);
    with("a.w64", "data", 16, size);
    with("a.caf", "data", 4, size);
  }
}

TEST_F(ContainerTest, AiffThatCountsMoreSamplesThanItHolds) {
  write_with(folder_ / "a.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, ramp(1000));
  const std::string bytes = read("a.aiff");
  expect_refused("long.aiff", replaced(bytes, bytes.find("COMM") + 10, u32_big(2000)), {"cut short", "4000", "2000"});
  expect_refused("none.aiff", bytes.substr(0, bytes.find("SSND")), {"cut short", "without a chunk of samples"});
}

std::string without_length(std::string flac) {
  flac[21] = static_cast<char>(flac[21] & 0xF0);
  return flac.replace(22, 4, std::string(4, '\0'));
}

TEST_F(ContainerTest, FlacWithoutALength) {
  write_with(folder_ / "a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, sound(), 2);
  const std::string whole = read("a.flac"), piped = without_length(whole);
  ASSERT_NE(piped, whole);
  const Audio audio = read_audio(folder_ / "a.flac");
  expect_frames("piped.flac", piped, 10001);
  EXPECT_EQ(decoded("piped.flac", piped).samples, audio.samples);
  EXPECT_EQ(read_audio(folder_ / "piped.flac", 9000, 1001).samples,
            std::vector<float>(audio.samples.begin() + 18000, audio.samples.end()));
  expect_error<InputError>([&] { read_audio(folder_ / "piped.flac", 9000, 1002); }, {"piped.flac"});
  for (const size_t size : {piped.size() - 1, piped.size() / 2, size_t{300}})
    expect_refused("cut.flac", piped.substr(0, size), {});
  expect_refused("none.flac", piped.substr(0, piped.find('\xff', 42)), {});
}

// libsndfile reads the first stream of each and says nothing of the others.
TEST_F(ContainerTest, SeveralFlacOrMp3StreamsInOneFileAreRefused) {
  write_with(folder_ / "a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, ramp(9000));
  write_with(folder_ / "a.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, ramp(9000));
  expect_refused("twice.flac", read("a.flac") + read("a.flac"), {"expected one FLAC stream, got another one"});
  expect_refused("twice.mp3", read("a.mp3") + read("a.mp3"), {"several recordings one after another"});
}

TEST_F(ContainerTest, ChainedOggIsReadToItsEnd) {
  for (const int codec : {SF_FORMAT_VORBIS, SF_FORMAT_OPUS}) {
    write_with(folder_ / "a.ogg", SF_FORMAT_OGG | codec, sound(7000), 2);
    write_with(folder_ / "b.ogg", SF_FORMAT_OGG | codec, sound(), 2);
    const Audio first = read_audio(folder_ / "a.ogg"), second = read_audio(folder_ / "b.ogg");
    std::vector<float> all = first.samples;
    for (const Audio* more : {&second, &first}) all.insert(all.end(), more->samples.begin(), more->samples.end());
    const std::string chain = read("a.ogg") + read("b.ogg") + read("a.ogg");
    expect_frames("chain.ogg", chain, first.frames + second.frames + first.frames);
    EXPECT_EQ(decoded("chain.ogg", chain).samples, all);
    for (const auto& [begin, frames] :
         std::vector<std::pair<int64_t, int64_t>>{{6990, 20}, {7000, 10001}, {100, 20000}, {20000, 4001}})
      EXPECT_EQ(read_audio(folder_ / "chain.ogg", begin, frames).samples,
                std::vector<float>(all.begin() + 2 * begin, all.begin() + 2 * (begin + frames)))
          << begin << " + " << frames;
    expect_refused("cut.ogg", chain.substr(0, chain.size() - 100), {"cut short"});
    write_with(folder_ / "mono.ogg", SF_FORMAT_OGG | codec, ramp(7000));
    expect_refused("mixed.ogg", read("a.ogg") + read("mono.ogg"), {"chained streams of one form", "1 channels"});
  }
}

TEST_F(ContainerTest, Mp3IsCountedByItsFrames) {
  write_with(folder_ / "a.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, ramp(40000));
  const std::string mp3 = read("a.mp3");
  ASSERT_NE(mp3.find("Xing"), std::string::npos);
  const std::string bare = without_info(mp3);
  ASSERT_LT(bare.size(), mp3.size());
  const int64_t padded = audio_info(write("bare.mp3", bare)).frames;
  EXPECT_EQ((padded + 529) % 576, 0) << "whole frames of MPEG-2 but the delay of the decoder";
  EXPECT_GE(padded, 40000);
  EXPECT_LT(padded, 40000 + 4 * 576);
  const Audio audio = read_audio(folder_ / "bare.mp3");
  EXPECT_EQ(audio.frames, padded);
  EXPECT_EQ(read_audio(folder_ / "bare.mp3", padded - 10, 10).samples,
            std::vector<float>(audio.samples.end() - 10, audio.samples.end()));
  expect_refused("cut.mp3", bare.substr(0, bare.size() - 1), {"cut short", "the last MP3 frame"});
  std::string junk = bare;
  expect_refused("junk.mp3", junk.insert(bare.find("\xff\xf3", bare.size() / 2), "junkjunkjunk"),
                 {"damaged", "expected an MP3 frame at byte"});
  const size_t last = mp3.rfind("\xff\xf3");
  expect_refused("missing.mp3", mp3.substr(0, last), {"cut short", "MP3 frames"});
}

TEST_F(ContainerTest, NistCompressedByShortenIsNamed) {
  write_with(folder_ / "a.wav", SF_FORMAT_NIST | SF_FORMAT_PCM_16, ramp(1000));
  const std::string bytes = read("a.wav"), coding = "sample_coding -s3 pcm\n";
  const size_t at = bytes.find(coding);
  ASSERT_NE(at, std::string::npos);
  expect_refused("a.wv1", replaced(bytes, at, "sample_coding shorten\n"), {"shorten"});
}

TEST_F(ContainerTest, OtherFilesAndCodingsAreRefused) {
  for (const int format : {SF_FORMAT_VOC | SF_FORMAT_PCM_16, SF_FORMAT_IRCAM | SF_FORMAT_PCM_16,
                           SF_FORMAT_MAT5 | SF_FORMAT_PCM_16, SF_FORMAT_PAF | SF_FORMAT_PCM_16}) {
    write_with(folder_ / "other.wav", format, ramp(100));
    expect_error<InputError>([&] { audio_info(folder_ / "other.wav"); }, {"other.wav", "expected a WAV, FLAC, OGG"});
  }
  for (const int format :
       {SF_FORMAT_WAV | SF_FORMAT_GSM610, SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM,
        SF_FORMAT_WAV | SF_FORMAT_G721_32, SF_FORMAT_AIFF | SF_FORMAT_IMA_ADPCM, SF_FORMAT_AU | SF_FORMAT_G721_32}) {
    write_with(folder_ / "coded.wav", format, ramp(100));
    expect_error<InputError>([&] { audio_info(folder_ / "coded.wav"); }, {"coded.wav", "another encoding"});
  }
}

// Recordings of hours are longer than a WAV header can say. The files have holes, so they take no space.
class LongFileTest : public ContainerTest {
 protected:
  static constexpr uint64_t bytes = 6'000'000'000;  // of 16-bit samples

  static std::string u64(uint64_t value) {
    return u32(static_cast<uint32_t>(value)) + u32(static_cast<uint32_t>(value >> 32));
  }
  // The header with samples that end in `last`, of four bytes.
  fs::path grow(const std::string& name, const std::string& header, const std::string& last) {
    const fs::path path = write(name, header);
    std::error_code failure;
    fs::resize_file(path, header.size() + bytes, failure);
    skip_ = failure ? "no file of 6 GB with holes here: " + failure.message() : "";
    if (failure) return path;
    std::fstream(path, std::ios::binary | std::ios::in | std::ios::out)
        .seekp(static_cast<std::streamoff>(header.size() + bytes - 4))
        .write(last.data(), 4);
    return path;
  }
  static void expect_whole(const fs::path& path) {
    SCOPED_TRACE(path);
    EXPECT_EQ(audio_info(path).frames, 3'000'000'000);
    EXPECT_EQ(read_audio(path, 2'999'999'997, 3).samples, (std::vector<float>{0, 0.5f, -0.5f}));
  }

  std::string skip_;
};

TEST_F(LongFileTest, SizesOf64BitsAreReadAndChecked) {
  write_with(folder_ / "a.rf64", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, ramp(1000));
  std::string header = read("a.rf64");
  header.resize(header.find("data") + 8);
  header.replace(header.find("ds64") + 8, 24, u64(header.size() - 8 + bytes) + u64(bytes) + u64(bytes / 2));
  const fs::path path = grow("long.wav", header, std::string("\x00\x40\x00\xC0", 4));
  if (!skip_.empty()) GTEST_SKIP() << skip_;
  expect_whole(path);
  fs::resize_file(path, header.size() + bytes - 1);
  expect_error<InputError>([&] { read_audio(path, 0, 1); }, {"long.wav", "cut short", "6000000000"});
}

TEST_F(LongFileTest, SizesThatDoNotFitTheirHeader) {
  const std::string little("\x00\x40\x00\xC0", 4), big("\x40\x00\xC0\x00", 4);
  // From a pipe, and from programs that write the size modulo 2^32.
  for (const uint32_t size : {0xFFFFFFFFu, 0u, 0x7FFFF000u, static_cast<uint32_t>(bytes)}) {
    const fs::path path = grow("long.wav", replaced(wav("", 0), 40, u32(size)), little);
    if (!skip_.empty()) GTEST_SKIP() << skip_;
    SCOPED_TRACE(size);
    expect_whole(path);
  }
  write_with(folder_ / "a.au", SF_FORMAT_AU | SF_FORMAT_PCM_16, ramp(1000));
  expect_whole(grow("long.au", replaced(read("a.au").substr(0, 24), 8, std::string(4, '\xff')), big));
  write_with(folder_ / "a.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16, ramp(1000));
  const std::string w64 = read("a.w64");
  const size_t data = w64.find("data");
  expect_whole(grow("long.w64", replaced(w64.substr(0, data + 24), data + 16, u64(0)), little));
  write_with(folder_ / "a.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, ramp(1000));
  const std::string aiff = read("a.aiff");
  const size_t sound = aiff.find("SSND");
  const fs::path path = grow("long.aiff", replaced(aiff.substr(0, sound + 16), sound + 4, std::string(4, '\0')), big);
  expect_error<InputError>([&] { audio_info(path); }, {"long.aiff", "at most 4 GiB", "got 6000000008"});
}

TEST_F(ContainerTest, LongOutputsAreRf64) {
  const std::vector<float> samples = ramp(1000);
  write_wav(folder_ / "riff.wav", samples, 8000);
  write_wav(folder_ / "rf64.wav", samples, 8000, WavFormat::float32, 2, 4000);
  write_wav(folder_ / "words.wav", samples, 8000, WavFormat::pcm16, 1, 2000);
  write_wav_float64(folder_ / "wide.wav", std::vector<double>(1000, 0.25), 8000, 1, 8000);
  EXPECT_EQ(read("riff.wav").substr(0, 4), "RIFF");
  for (const char* name : {"rf64.wav", "words.wav", "wide.wav"}) EXPECT_EQ(read(name).substr(0, 4), "RF64") << name;
  const Audio audio = read_audio(folder_ / "rf64.wav");
  EXPECT_EQ(audio.samples, samples);
  EXPECT_EQ(audio.channels, 2);
  EXPECT_EQ(read_mono(folder_ / "words.wav").frames, 1000);
  EXPECT_EQ(read_audio_double(folder_ / "wide.wav").samples, std::vector<double>(1000, 0.25));
  // Around the limit no header says less than the file holds.
  for (uint64_t limit = 3900; limit < 4200; limit += 7) {
    write_wav(folder_ / "near.wav", samples, 8000, WavFormat::float32, 1, limit);
    const std::string bytes = read("near.wav");
    EXPECT_TRUE(bytes.starts_with("RF64") || bytes.size() <= limit) << limit;
  }
}

}  // namespace
}  // namespace sunder
