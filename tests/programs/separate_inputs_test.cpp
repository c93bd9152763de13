// Recordings as people give them to sunder-separate: of any kind, through pipes, too long, too loud.
#include <sndfile.h>

#include <fstream>

#include "tests/audio/sound_files.h"
#include "tests/programs/model_fixture.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class SeparateInputsTest : public ProgramTest {
 protected:
  ProgramResult separate(const std::vector<std::string>& inputs, const std::string& shell = "") const {
    std::vector<std::string> arguments = {"--model", "model.safetensors", "-o", "out", "--threads", "1", "--force"};
    if (!exists("model.safetensors")) write_model("model.safetensors");
    arguments.insert(arguments.end(), inputs.begin(), inputs.end());
    fs::create_directories(folder_ / "tmp");
    return run_program("sunder-separate", arguments,
                       {.environment = {{"TMPDIR", at("tmp")}}, .folder = folder_.string(), .shell = shell});
  }
};

TEST_F(SeparateInputsTest, PipesAreReadOnce) {
  write_noise("mix.wav", 9001, 1);
  write_noise("other.wav", 5000, 2);
  ASSERT_EQ(separate({"mix.wav", "other.wav"}).code, 0);
  const std::string mix = read("out/mix_s1.wav"), other = read("out/other_s1.wav");
  const auto made = [&](const ProgramResult& result) {
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(fs::is_empty(folder_ / "tmp"));
    return result.out.substr(0, result.out.find('\n'));
  };
  EXPECT_EQ(made(separate({}, R"(cat mix.wav | "$0" "$@" /dev/stdin)")), "out/stdin_s1.wav");
  EXPECT_EQ(read("out/stdin_s1.wav"), mix);
  EXPECT_EQ(made(separate({}, R"("$0" "$@" /dev/stdin < other.wav)")), "out/stdin_s1.wav");
  EXPECT_EQ(read("out/stdin_s1.wav"), other);
  EXPECT_EQ(made(separate({}, R"(mkfifo fifo.wav && cat mix.wav > fifo.wav & sleep 0.05; "$0" "$@" fifo.wav)")),
            "out/fifo_s1.wav");
  EXPECT_EQ(read("out/fifo_s1.wav"), mix);
  // Two at once, which must not be written to the same files.
  const ProgramResult both = separate({"--no-pictures"}, R"("$0" "$@" <(cat mix.wav) <(cat other.wav))");
  EXPECT_EQ(both.code, 0) << both.err;
  std::vector<std::string> names;
  std::istringstream lines(both.out);
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  ASSERT_EQ(names.size(), 4u) << both.out;
  EXPECT_EQ(read(names[0]), mix);
  EXPECT_EQ(read(names[2]), other);
  const ProgramResult twice = separate({}, R"("$0" "$@" /dev/stdin /dev/stdin < mix.wav)");
  EXPECT_EQ(twice.code, 2);
  expect_contains(twice.err, {"would both be written to out/stdin_s1.wav"});
  const ProgramResult endless = separate({"/dev/zero"});
  EXPECT_EQ(endless.code, 3);
  expect_contains(endless.err, {"/dev/zero: cannot be read as audio"});
}

TEST_F(SeparateInputsTest, NamesOfAnyKindAndCase) {
  const std::vector<float> mixture = noise(6000, 3);
  write_with(folder_ / "a.b.WAV", SF_FORMAT_WAV | SF_FORMAT_FLOAT, mixture, 1, 8000);
  write_with(folder_ / "b.Aiff", SF_FORMAT_AIFF | SF_FORMAT_FLOAT, mixture, 1, 8000);
  write_with(folder_ / "c.caf", SF_FORMAT_CAF | SF_FORMAT_FLOAT, mixture, 1, 8000);
  write_with(folder_ / "d.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, mixture, 1, 8000);
  write_with(folder_ / "e.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, mixture, 1, 8000);
  std::string flac = read("e.flac");  // as written to a pipe: the number of samples is 0
  flac[21] = static_cast<char>(flac[21] & 0xF0);
  write("e.flac", flac.replace(22, 4, std::string(4, '\0')));
  write_with(folder_ / "take.1", SF_FORMAT_WAV | SF_FORMAT_FLOAT, mixture, 1, 8000);
  write_with(folder_ / "take.2", SF_FORMAT_W64 | SF_FORMAT_FLOAT, mixture, 1, 8000);
  const ProgramResult result =
      separate({"--no-pictures", "a.b.WAV", "b.Aiff", "c.caf", "d.mp3", "e.flac", "take.1", "take.2"});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* name : {"a.b", "b", "c", "take.1", "take.2"})
    EXPECT_EQ(read(fmt::format("out/{}_s1.wav", name)), read("out/a.b_s1.wav")) << name;
  for (const char* name : {"d", "e"}) EXPECT_EQ(audio(fmt::format("out/{}_s1.wav", name)).frames, 6000);
  write_with(folder_ / "b.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, mixture, 1, 8000);
  const ProgramResult same = separate({"b.Aiff", "b.wav"});
  EXPECT_EQ(same.code, 2);
  expect_contains(same.err, {"b.Aiff and b.wav would both be written to out/b_s1.wav"});
}

// Scaled to full scale, such a recording would be separated.
TEST_F(SeparateInputsTest, WhatIsTooLoudIsSaidToBe) {
  std::vector<float> loud = noise(6000, 4);
  for (float& sample : loud) sample *= 1e30f;
  write_wav(folder_ / "loud.wav", loud, 8000);
  write_noise("good.wav", 6000, 5);
  const ProgramResult alone = separate({"loud.wav"});
  EXPECT_EQ(alone.code, 1);
  expect_contains(alone.err, {"sunder-separate: loud.wav: the recording is too loud", "full scale is 1"});
  const ProgramResult batch = separate({"loud.wav", "good.wav"});
  EXPECT_EQ(batch.code, 7);
  expect_contains(batch.err, {"loud.wav: the recording is too loud", "1 of 2 files failed"});
  EXPECT_TRUE(exists("out/good_s2.wav"));
}

// Sanitizers need their address space.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// A batch goes on behind a recording whose chunks do not fit.
TEST_F(SeparateInputsTest, WhatIsTooMuchForTheMemoryEndsNoBatch) {
  write_noise("long.wav", 20'000'000, 6);
  write_noise("good.wav", 6000, 7);
  const std::string limited = R"(ulimit -v 1200000; "$0" "$@" --chunk-seconds 36000 --no-pictures)";
  const ProgramResult batch = separate({"long.wav", "good.wav"}, limited);
  EXPECT_EQ(batch.code, 7) << batch.err;
  expect_contains(batch.err, {"long.wav: ", "out of memory", "1 of 2 files failed"});
  EXPECT_TRUE(exists("out/good_s2.wav"));
  EXPECT_FALSE(exists("out/long_s1.wav"));
  const ProgramResult alone = separate({"long.wav"}, limited);
  EXPECT_EQ(alone.code, 6);
  expect_contains(alone.err, {"sunder-separate: long.wav: ", "out of memory", "lower --chunk-seconds"});
}

// Pictures, seams and the report included.
TEST_F(SeparateInputsTest, MemoryDoesNotGrowWithTheLength) {
  const int64_t few = 400000, many = 3200000;
  write_noise("short.wav", few, 8, 16000);
  write_noise("long.wav", many, 9, 16000);
  const auto peak = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> all = {"--chunk-seconds", "2", "--overlap-seconds", "0.5"};
    all.insert(all.end(), flags.begin(), flags.end());
    const ProgramResult result = separate(all);
    EXPECT_EQ(result.code, 0) << result.err;
    return static_cast<double>(result.peak_kib) * 1024;
  };
  for (const char* voices : {"all", "auto"})
    EXPECT_LT(peak({"long.wav", "--num-sources", voices}) - peak({"short.wav", "--num-sources", voices}), 4e6)
        << "11 MB more a signal";
  EXPECT_EQ(audio("out/long_s2.wav").frames, many);
}

#endif

}  // namespace
}  // namespace sunder
