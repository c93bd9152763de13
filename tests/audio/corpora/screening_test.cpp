#include "audio/corpora/screening.h"

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class ScreeningTest : public ScratchFolder {
 protected:
  // Quiet, then a tone, then quiet; `quiet` is its level.
  void write_word(const std::string& name, int64_t before, int64_t speech, int64_t after, float quiet) const {
    std::vector<float> samples(before + speech + after);
    for (size_t t = 0; t < samples.size(); ++t) {
      const bool inside = static_cast<int64_t>(t) >= before && static_cast<int64_t>(t) < before + speech;
      samples[t] = (inside ? 0.5f : quiet) * static_cast<float>(std::sin(0.7 * static_cast<double>(t)));
    }
    write_wav(folder_ / name, samples, 8000);
  }
  Corpus corpus(const std::vector<std::string>& names) const {
    Corpus list{folder_, {}};
    for (const std::string& name : names) list.recordings.push_back({.path = name, .speaker = "s", .label = ""});
    return list;
  }
};

TEST_F(ScreeningTest, TrimsTheQuietAroundTheSpeech) {
  write_word("a.wav", 1600, 3200, 800, 0.5e-2f);  // quiet 40 dB below
  write_word("b.wav", 1600, 3200, 800, 0.5e-1f);  // 20 dB below: stays
  const ScreeningResult result = screen(corpus({"a.wav", "b.wav"}), {.trim = true, .active_db = 35});
  ASSERT_EQ(result.kept.size(), 2u);
  EXPECT_EQ(result.kept[0].begin, 1600);
  EXPECT_EQ(result.kept[0].length, 3200);
  EXPECT_EQ(result.kept[0].active, std::vector<bool>(20, true));
  EXPECT_EQ(result.kept[1].length, 5600);
  const ScreeningResult whole = screen(corpus({"a.wav"}), {});
  EXPECT_EQ(whole.kept[0].length, 5600);
  EXPECT_FALSE(whole.kept[0].active[0]);
  EXPECT_TRUE(whole.kept[0].active[15]);
}

TEST_F(ScreeningTest, CountsWhatIsTooShortOrTooLong) {
  write_word("short.wav", 800, 800, 800, 0);
  write_word("right.wav", 800, 4000, 800, 0);
  write_word("long.wav", 800, 16000, 800, 0);
  const ScreeningResult result =
      screen(corpus({"short.wav", "right.wav", "long.wav"}), {.trim = true, .min_seconds = 0.2, .max_seconds = 1.2});
  ASSERT_EQ(result.kept.size(), 1u);
  EXPECT_EQ(result.kept[0].recording.path, "right.wav");
  EXPECT_EQ(result.too_short, 1);
  EXPECT_EQ(result.too_long, 1);
}

TEST_F(ScreeningTest, UnusableFilesStopOrAreLeftOut) {
  write_word("good.wav", 0, 4000, 0, 0);
  write("empty.wav", "");
  write_tone("silent.wav", 4000, 8000, 0.0f);
  write_tone("click.wav", 100);
  write_wav(folder_ / "stereo.wav", std::vector<float>(4000, 0.1f), 8000, WavFormat::float32, 2);
  expect_error<InputError>([&] { screen(corpus({"good.wav", "empty.wav"}), {}); }, {"empty.wav", "empty file"});
  expect_error<InputError>([&] { screen(corpus({"silent.wav"}), {}); }, {"silent.wav", "silent"});
  expect_error<InputError>([&] { screen(corpus({"click.wav"}), {}); }, {"click.wav", "100 samples"});
  const ScreeningResult result =
      screen(corpus({"good.wav", "empty.wav", "silent.wav", "click.wav", "stereo.wav"}), {.skip_unusable = true});
  EXPECT_EQ(result.kept.size(), 1u);
  EXPECT_EQ(result.unusable.size(), 4u);
}

TEST_F(ScreeningTest, MeanOfChannelsMakesOne) {
  std::vector<float> samples;
  for (int t = 0; t < 4000; ++t) samples.insert(samples.end(), {t % 2 ? 0.5f : -0.5f, 0.0f});
  write_wav(folder_ / "stereo.wav", samples, 8000, WavFormat::float32, 2);
  const std::vector<float> mono = read_recording(folder_ / "stereo.wav", 8000, Channels::mean);
  ASSERT_EQ(mono.size(), 4000u);
  EXPECT_EQ(mono[1], 0.25f);
  EXPECT_THROW(read_recording(folder_ / "stereo.wav", 8000, Channels::one), InputError);
}

}  // namespace
}  // namespace sunder
