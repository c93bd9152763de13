// sunder-separate between other programs: standard input and output, folders and patterns, several at a time, reports.
#include <fcntl.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "audio/resample.h"
#include "tests/audio/sound_files.h"
#include "tests/programs/model_fixture.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

class SeparateStreamsTest : public ProgramTest {
 protected:
  ProgramResult separate(const std::vector<std::string>& more, const std::string& shell = "") const {
    std::vector<std::string> arguments = {"--threads", "2"};
    if (!exists("model.safetensors")) write_model("model.safetensors");
    if (std::ranges::find(more, "--model") == more.end())
      arguments.insert(arguments.end(), {"--model", "model.safetensors"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program("sunder-separate", arguments, {.folder = folder_.string(), .shell = shell});
  }
  void refused(const std::vector<std::string>& more, const std::string& reason, int code = 2) const {
    const ProgramResult result = separate(more);
    EXPECT_EQ(result.code, code) << result.err;
    expect_contains(result.err, {reason});
  }
  nlohmann::json report(const std::string& name = "report.json") const { return nlohmann::json::parse(read(name)); }
};

TEST_F(SeparateStreamsTest, StandardInputGivesTheSamplesOfTheFile) {
  write_noise("mix.wav", 30001, 1, 16000);
  const std::vector<std::string> chunks = {"--chunk-seconds", "1", "--overlap-seconds", "0.25", "--force"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), chunks.begin(), chunks.end());
    return more;
  };
  ASSERT_EQ(separate(with({"mix.wav", "-o", "out"})).code, 0);
  for (const std::string shell : {R"(cat mix.wav | "$0" "$@")", R"("$0" "$@" < mix.wav)"}) {
    const ProgramResult result = separate(with({"-", "-o", "out"}), shell);
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, "out/stdin_s1.wav\nout/stdin_s2.wav\nout/stdin.png\n");
    for (const char* end : {"_s1.wav", "_s2.wav"})
      EXPECT_EQ(read(std::string("out/stdin") + end), read(std::string("out/mix") + end)) << shell;
  }
  // Without a size in the header: the same samples, and a picture.
  const std::string whole = read("mix.wav");
  const size_t size = whole.find("data") + 4;
  write("endless.wav", whole.substr(0, size) + u32(0xFFFFFFFF) + whole.substr(size + 4));
  ASSERT_EQ(separate(with({"-", "-o", "out"}), R"(cat endless.wav | "$0" "$@")").code, 0);
  EXPECT_EQ(audio("out/stdin_s1.wav").samples, audio("out/mix_s1.wav").samples);
  EXPECT_TRUE(exists("out/stdin.png"));
}

TEST_F(SeparateStreamsTest, StandardOutputHasOneChannelAVoice) {
  write_noise("mix.wav", 20001, 2);
  ASSERT_EQ(separate({"mix.wav", "-o", "out"}).code, 0);
  const std::vector<float> first = audio("out/mix_s1.wav").samples, second = audio("out/mix_s2.wav").samples;
  std::vector<float> both;
  for (size_t t = 0; t < first.size(); ++t) both.insert(both.end(), {first[t], second[t]});

  ASSERT_EQ(separate({"mix.wav", "-o", "-"}, R"("$0" "$@" > all.wav)").code, 0);
  EXPECT_EQ(audio("all.wav").channels, 2);
  EXPECT_EQ(audio("all.wav").samples, both);
  const ProgramResult raw = separate({"mix.wav", "-o", "-", "--output-format", "f32le"});
  EXPECT_EQ(raw.code, 0);
  EXPECT_EQ(raw.out, std::string(reinterpret_cast<const char*>(both.data()), both.size() * sizeof(float)));

  // Raw in, raw out, through two pipes.
  write_with(folder_ / "mix.raw", SF_FORMAT_RAW | SF_ENDIAN_LITTLE | SF_FORMAT_PCM_16, noise(20001, 2), 1, 8000);
  const ProgramResult piped = separate({"-", "--format", "s16le", "--rate", "8000", "--channels", "1", "-o", "-"},
                                       R"(cat mix.raw | "$0" "$@" | cat)");
  EXPECT_EQ(piped.code, 0);
  ASSERT_EQ(piped.out.size(), both.size() * 2);
  for (size_t i = 0; i < both.size(); ++i) {
    const auto low = static_cast<uint8_t>(piped.out[2 * i]), high = static_cast<uint8_t>(piped.out[2 * i + 1]);
    ASSERT_NEAR(static_cast<int16_t>(low | high << 8) / 32768.0, both[i], 2.5 / 32768) << i;
  }
}

// What a microphone has given leaves on the other side before the recording ends.
TEST_F(SeparateStreamsTest, TheDelayIsThatOfAChunk) {
  write_noise("mix.wav", 40000, 3);  // 5 s
  const std::string shell = R"sh(
mkfifo in
("$0" "$@" < in > out.raw) & exec 3> in
cat mix.wav >&3
for try in $(seq 300); do [ "$(stat -c %s out.raw)" -ge 256000 ] && break; sleep 0.1; done
stat -c %s out.raw
exec 3>&-
wait $!
stat -c %s out.raw)sh";
  const std::string words = wav("", 0xFFFFFFFF);  // of 16 bits; its samples become float
  const std::string endless = words.substr(0, 20) + "\x03" + words.substr(21, 7) + u32(32000) +
                              std::string("\x04\x00\x20\x00", 4) + words.substr(36);
  const std::vector<float> samples = noise(40000, 3);
  write("mix.wav", endless + std::string(reinterpret_cast<const char*>(samples.data()), 4 * samples.size()));
  const ProgramResult result = separate(
      {"-", "-o", "-", "--output-format", "f32le", "--chunk-seconds", "1", "--overlap-seconds", "0.25"}, shell);
  EXPECT_EQ(result.code, 0) << result.err;
  int64_t before = 0, after = 0;
  std::istringstream(result.out) >> before >> after;
  EXPECT_GE(before, 8 * (40000 - 8000)) << "all but the last second, of two voices";
  EXPECT_EQ(after, 8 * 40000);
}

TEST_F(SeparateStreamsTest, FoldersAndPatternsAreListed) {
  write_noise("takes/a.wav", 3000, 1);
  write_noise("takes/day two/b.wav", 3000, 2);
  write("takes/notes.txt", "no sound");
  const ProgramResult folder = separate({"takes", "-o", "out", "--no-pictures"});
  ASSERT_EQ(folder.code, 0) << folder.err;
  EXPECT_EQ(folder.out, "out/a_s1.wav\nout/a_s2.wav\nout/day two/b_s1.wav\nout/day two/b_s2.wav\n");
  const ProgramResult pattern = separate({"takes/*.wav", "takes/*/?.wav", "-o", "flat", "--no-pictures"});
  ASSERT_EQ(pattern.code, 0) << pattern.err;
  EXPECT_EQ(pattern.out, "flat/a_s1.wav\nflat/a_s2.wav\nflat/b_s1.wav\nflat/b_s2.wav\n");
  EXPECT_EQ(read("flat/b_s2.wav"), read("out/day two/b_s2.wav"));
  // A file whose name looks like a pattern is a file.
  write_noise("mix[1].wav", 3000, 3);
  EXPECT_EQ(separate({"mix[1].wav", "-o", "flat", "--no-pictures"}).out, "flat/mix[1]_s1.wav\nflat/mix[1]_s2.wav\n");
  // Results below the folder are no recordings of the next run.
  ASSERT_EQ(separate({"takes", "-o", "takes/separated"}).code, 0);
  const ProgramResult again = separate({"takes", "-o", "takes/separated", "--force", "--no-pictures"});
  EXPECT_EQ(std::ranges::count(again.out, '\n'), 4) << again.out;
  refused({"takes", "-o", "takes"}, "results in the folder of the recordings would be taken for recordings");
  fs::create_directories(folder_ / "empty");
  refused({"empty", "-o", "out"}, "empty: expected recordings (.wav", 3);
  refused({"no*.wav", "-o", "out"}, "no*.wav: no such file, and as a pattern it matches none", 3);
}

TEST_F(SeparateStreamsTest, ResultsThatExistStay) {
  write_noise("a.wav", 3000, 1);
  write_noise("b.wav", 3000, 2);
  for (const char* kept : {"out/b_s2.wav", "out/b.png"}) {
    fs::remove_all(folder_ / "out");
    write(kept, "mine");
    refused({"a.wav", "b.wav", "-o", "out"}, std::string(kept) + ": exists already; --force replaces it");
    EXPECT_EQ(read(kept), "mine");
    EXPECT_FALSE(exists("out/a_s1.wav")) << "nothing is separated";
  }
  EXPECT_EQ(separate({"a.wav", "b.wav", "-o", "out", "--force"}).code, 0);
  EXPECT_EQ(audio("out/b_s2.wav").frames, 3000);
  write("report.json", "mine");
  refused({"a.wav", "-o", "new", "--report", "report.json"}, "report.json: exists already");
}

TEST_F(SeparateStreamsTest, SeveralAtATimeGiveTheSameFiles) {
  for (int i = 0; i < 5; ++i) write_noise(fmt::format("in/{}.wav", i), 9000 + 1000 * i, i);
  write("in/2x.wav", "no sound");
  ASSERT_EQ(separate({"in", "-o", "one"}).code, 7);
  const ProgramResult two = separate({"in", "-o", "two", "--jobs", "2", "--report", "report.json"});
  EXPECT_EQ(two.code, 7) << two.err;
  expect_contains(two.err, {"in/2x.wav: cannot be read as audio", "1 of 6 files failed"});
  for (int i = 0; i < 5; ++i)
    for (const char* end : {"_s1.wav", "_s2.wav", ".png"})
      EXPECT_EQ(read(fmt::format("two/{}{}", i, end)), read(fmt::format("one/{}{}", i, end)));
  EXPECT_EQ(std::ranges::count(two.out, '\n'), 15);
  const auto files = report().at("files");
  ASSERT_EQ(files.size(), 6u);
  expect_contains(files[3].at("error"), {"in/2x.wav: cannot be read as audio"});
  EXPECT_EQ(files[5].at("samples"), 13000);
}

TEST_F(SeparateStreamsTest, TheReportSaysWhatWasDone) {
  write_noise("mix.wav", 40000, 4, 16000);
  ASSERT_EQ(
      separate({"mix.wav", "-o", "out", "--report", "report.json", "--chunk-seconds", "1", "--overlap-seconds", "0.25"})
          .code,
      0);
  const auto json = report();
  EXPECT_EQ(json.at("sources"), 2);
  EXPECT_EQ(json.at("chunk_seconds"), 1.0);
  const auto file = json.at("files").at(0);
  EXPECT_EQ(file.at("input"), "mix.wav");
  EXPECT_EQ(file.at("seconds"), 2.5);
  EXPECT_EQ(file.at("sample_rate"), 16000);
  EXPECT_GT(file.at("real_time_factor"), 0.0);
  EXPECT_EQ(file.at("clipped_samples"), 0);
  ASSERT_EQ(file.at("seams").size(), 2u) << "at 0.75 and 1.5 s";
  EXPECT_EQ(file.at("seams").at(0).at("seconds"), 0.75);
  EXPECT_GE(file.at("seams").at(0).at("confidence"), 0.0);
  EXPECT_LE(file.at("seams").at(0).at("confidence"), 1.0);
  double mixture = 0, voice = 0;
  float peak = 0;
  for (const float sample : audio("mix.wav").samples) mixture += sample * sample;
  for (const float sample : audio("out/mix_s2.wav").samples)
    voice += sample * sample, peak = std::max(peak, std::abs(sample));
  const auto second = file.at("voices").at(1);
  EXPECT_EQ(second.at("output"), "out/mix_s2.wav");
  EXPECT_NEAR(second.at("gain_db"), 10 * std::log10(voice / mixture), 0.01);
  EXPECT_NEAR(second.at("peak"), peak, 1e-6);

  write_wav(folder_ / "quiet.wav", std::vector<float>(3000, 0.0f), 8000);
  ASSERT_EQ(separate({"quiet.wav", "-o", "out", "--report", "quiet.json"}).code, 0);
  EXPECT_EQ(report("quiet.json").at("files").at(0).at("silent"), true);
  EXPECT_TRUE(report("quiet.json").at("files").at(0).at("voices").at(0).at("gain_db").is_null());
}

TEST_F(SeparateStreamsTest, NothingIsClippedSilently) {
  std::vector<float> loud = noise(9000, 5);
  for (float& sample : loud) sample *= 10;
  write_wav(folder_ / "loud.wav", loud, 8000);
  const ProgramResult floats = separate({"loud.wav", "-o", "out"});
  EXPECT_EQ(floats.err, "");
  const ProgramResult words =
      separate({"loud.wav", "-o", "words", "--output-format", "wav16", "--report", "report.json"});
  ASSERT_EQ(words.code, 0) << words.err;
  expect_contains(words.err, {"loud.wav: ", " samples of the voices are beyond full scale and were clipped"});
  int64_t clipped = 0;
  for (const char* name : {"out/loud_s1.wav", "out/loud_s2.wav"})
    for (const float sample : audio(name).samples) clipped += sample < -1 || sample >= 1;
  EXPECT_GT(clipped, 0);
  EXPECT_EQ(report().at("files").at(0).at("clipped_samples"), clipped);
}

// The masks of the network add up to one; resampling and cross-fading are linear.
TEST_F(SeparateStreamsTest, VoicesOfChunksAddUpToTheMixture) {
  const std::vector<float> mixture = write_noise("mix.wav", 200000, 6, 44100);
  std::vector<float> passed = resample(resample(mixture, 44100, 8000), 8000, 44100);
  passed.resize(mixture.size());
  ASSERT_EQ(separate({"mix.wav", "-o", "out", "--chunk-seconds", "1", "--overlap-seconds", "0.25"}).code, 0);
  const std::vector<float> first = audio("out/mix_s1.wav").samples, second = audio("out/mix_s2.wav").samples;
  ASSERT_EQ(first.size(), mixture.size());
  for (size_t t = 0; t < mixture.size(); ++t) ASSERT_NEAR(first[t] + second[t], passed[t], 1e-5) << t;
}

TEST_F(SeparateStreamsTest, OutputsAreMergedToTheVoicesAskedFor) {
  const std::string model = write_model("four.safetensors", 4);
  const std::vector<float> mixture = write_noise("mix.wav", 30000, 7);
  const auto run = [&](const std::string& voices) {
    fs::remove_all(folder_ / "out");
    const ProgramResult result = separate(
        {"--model", model, "mix.wav", "-o", "out", "--num-sources", voices, "--report", "report.json", "--force"});
    EXPECT_EQ(result.code, 0) << result.err;
    expect_contains(result.err, {"mix.wav: ", " of 4 outputs "});
    return report().at("files").at(0);
  };
  for (const std::string voices : {"2", "auto", "4"}) {
    const auto file = run(voices);
    const size_t count = file.at("voices").size();
    EXPECT_EQ(count, voices == "auto" ? file.at("active_sources").get<size_t>() : std::stoul(voices));
    EXPECT_FALSE(exists(fmt::format("out/mix_s{}.wav", count + 1)));
    std::vector<float> sum(mixture.size(), 0.0f);
    std::set<int64_t> merged;
    for (size_t v = 0; v < count; ++v) {
      const std::vector<float> voice = audio(fmt::format("out/mix_s{}.wav", v + 1)).samples;
      ASSERT_EQ(voice.size(), sum.size());
      for (size_t t = 0; t < sum.size(); ++t) sum[t] += voice[t];
      for (const int64_t output : file.at("voices").at(v).at("sums")) merged.insert(output);
    }
    EXPECT_EQ(merged, (std::set<int64_t>{1, 2, 3, 4}));
    for (size_t t = 0; t < sum.size(); ++t) ASSERT_NEAR(sum[t], mixture[t], 1e-5) << voices << " " << t;
  }
  refused({"--model", model, "mix.wav", "-o", "new", "--num-sources", "5"}, "--num-sources 5: the model has 4 outputs");
}

TEST_F(SeparateStreamsTest, WhatDoesNotGoTogetherIsRefused) {
  write_noise("mix.wav", 3000, 8);
  write_noise("other.wav", 3000, 9);
  refused({"-", "-", "-o", "out"}, "standard input can be read only once");
  refused({"mix.wav", "-o", "out", "--format", "s16le"}, "--format is for standard input");
  refused({"mix.wav", "-o", "out", "--rate", "8000"}, "--rate is for standard input");
  refused({"-", "-o", "out", "--format", "s16le", "--channels", "1"}, "says nothing of --rate");
  refused({"-", "-o", "out", "--format", "s16le", "--rate", "8000"}, "says nothing of --channels");
  refused({"-", "-o", "out", "--channels", "1"}, "--channels: the header of standard input says it");
  refused({"-", "-o", "out", "--format", "s16le", "--rate", "8000", "--channels", "2", "--channel", "3"},
          "standard input has 2");
  refused({"-", "-o", "out", "--format", "s8", "--rate", "8000", "--channels", "2"}, "--format");
  refused({"-", "-o", "out", "--format", "s16le", "--rate", "8", "--channels", "2"}, "--rate");
  refused({"mix.wav", "-o", "out", "--output-format", "s16le"}, "files are WAV");
  refused({"mix.wav", "other.wav", "-o", "-"}, "the voices of one recording");
  refused({"*.wav", "-o", "-"}, "the voices of one recording");
  refused({"mix.wav", "-o", "-", "--num-sources", "auto"}, "waits for the end");
  refused({"mix.wav", "-o", "out", "--num-sources", "two"}, "expected all, auto or a number from 1 on, got 'two'");
  refused({"mix.wav", "-o", "out", "--num-sources", "0"}, "expected all, auto or a number");
  refused({"mix.wav", "-o", "out", "--jobs", "0"}, "--jobs");
  refused({"mix.wav", "-o", "out", "--report", "-"}, "--report: expected a file");
  refused({"mix.wav", "-o", "out", "--report", "mix.wav", "--force"}, "is an input");
  refused({"mix.wav", "-o", "out", "--report", "out/mix_s1.wav"}, "is the name of a result");
  EXPECT_FALSE(exists("out"));
  const ProgramResult nothing = separate({"-", "-o", "out"});
  EXPECT_EQ(nothing.code, 3) << "standard input is /dev/null";
  expect_contains(nothing.err, {"standard input: expected an audio file, got nothing"});
}

TEST_F(SeparateStreamsTest, AReaderThatLeavesEndsTheWork) {
  write_noise("mix.wav", 400000, 10);
  const ProgramResult result = separate({"mix.wav", "-o", "-", "--chunk-seconds", "1", "--overlap-seconds", "0.25"},
                                        R"("$0" "$@" | head -c 100 > /dev/null; exit ${PIPESTATUS[0]})");
  EXPECT_EQ(result.code, 1);
  expect_contains(result.err, {"standard output: cannot be written: Broken pipe"});
}

}  // namespace
}  // namespace sunder
