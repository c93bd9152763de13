#include "audio/sets/recording_items.h"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "audio/resample.h"
#include "audio/sets/recording_splits.h"
#include "files/digest.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

TEST(RecordingSplitsTest, ByNameATenthEachAndNothingMovesWhenNamesAreAdded) {
  std::vector<std::string> names;
  for (int i = 0; i < 400; ++i) names.push_back("day/" + std::to_string(i));
  const std::vector<Split> all = splits_by_name(names, true), without_test = splits_by_name(names, false);
  std::array<int, 3> counts{};
  for (size_t i = 0; i < names.size(); ++i) {
    const double percentage = hash_percentage(names[i]);
    const Split expected = percentage < 10 ? Split::valid : percentage < 20 ? Split::test : Split::train;
    EXPECT_EQ(all[i], expected);
    EXPECT_EQ(without_test[i], percentage < 10 ? Split::valid : Split::train);
    ++counts[static_cast<int>(all[i])];
  }
  EXPECT_NEAR(counts[1], 40, 20);
  EXPECT_NEAR(counts[2], 40, 20);
  const std::vector<Split> fewer = splits_by_name({names.begin(), names.begin() + 200}, true);
  EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), all.begin()));
}

TEST(RecordingSplitsTest, NoPartIsEmpty) {
  // Names that all belong to one part by their percentage.
  const auto names_in = [](double low, double high) {
    std::vector<std::string> names;
    for (int i = 0; names.size() < 10; ++i)
      if (const double p = hash_percentage(std::to_string(i)); p >= low && p < high) names.push_back(std::to_string(i));
    return names;
  };
  for (const auto& [low, high] : {std::pair(0.0, 10.0), {10.0, 20.0}, {20.0, 101.0}}) {
    const std::vector<std::string> names = names_in(low, high);
    const std::vector<Split> splits = splits_by_name(names, true);
    for (const Split split : all_splits) EXPECT_GT(std::count(splits.begin(), splits.end(), split), 0) << low;
    const auto lowest = std::min_element(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
      return hash_percentage(a) < hash_percentage(b);
    });
    EXPECT_EQ(splits[lowest - names.begin()], Split::valid);
    const std::vector<Split> two = splits_by_name(names, false);
    EXPECT_GT(std::count(two.begin(), two.end(), Split::valid), 0);
    EXPECT_GT(std::count(two.begin(), two.end(), Split::train), 0);
    EXPECT_EQ(std::count(two.begin(), two.end(), Split::test), 0);
  }
}

TEST(RecordingSplitsTest, StretchesCoverARecordingOnce) {
  for (const int64_t frames : {1, 9, 10, 11, 99, 100, 12345}) {
    for (const bool test : {true, false}) {
      int64_t next = 0;
      for (const Split split : all_splits) {
        const Stretch part = stretch_of(split, frames, test);
        EXPECT_EQ(part.begin, next);
        next += part.frames;
      }
      EXPECT_EQ(next, frames);
    }
  }
  EXPECT_EQ(stretch_of(Split::train, 1000, true).frames, 800);
  EXPECT_EQ(stretch_of(Split::train, 1000, false).frames, 900);
  const std::vector<Stretch> pieces = equal_pieces({5, 25}, 10);
  ASSERT_EQ(pieces.size(), 3u);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(pieces[i].begin, 5 + 8 * i);
    EXPECT_EQ(pieces[i].frames, 8);
  }
  EXPECT_EQ(equal_pieces({0, 10}, 10).size(), 1u);
  EXPECT_TRUE(equal_pieces({7, 0}, 10).empty());
}

class RecordingItemsTest : public ScratchFolder {
 protected:
  static constexpr CleanSources unused = CleanSources::unused;

  MixtureSet open(const std::string& split, MixtureSetOptions options = {}) const {
    options.sources = unused;
    return MixtureSet::open(folder_ / "set", split, options);
  }

  // A WAV file whose sample t of channel c is (t + 1) / 2^20 + c: every value says where it comes from.
  void write_ramp(const std::string& name, int64_t frames, int rate = 8000, int channels = 1) const {
    const fs::path path = folder_ / "set" / name;
    fs::create_directories(path.parent_path());
    std::vector<float> samples(frames * channels);
    for (int64_t t = 0; t < frames; ++t)
      for (int c = 0; c < channels; ++c)
        samples[t * channels + c] = static_cast<float>(t + 1) / (1 << 20) + static_cast<float>(c);
    write_wav(path, samples, rate, WavFormat::float32, channels);
  }
  void write_flac(const std::string& name, int64_t frames, int rate) const {
    fs::create_directories((folder_ / "set" / name).parent_path());
    SF_INFO info{};
    info.samplerate = rate;
    info.channels = 1;
    info.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
    SNDFILE* file = sf_open((folder_ / "set" / name).c_str(), SFM_WRITE, &info);
    ASSERT_NE(file, nullptr) << sf_strerror(nullptr);
    std::vector<float> tone(frames);
    for (int64_t t = 0; t < frames; ++t) tone[t] = 0.3f * std::sin(0.3f * static_cast<float>(t));
    EXPECT_EQ(sf_writef_float(file, tone.data(), frames), frames);
    sf_close(file);
  }

  static std::vector<int64_t> frames_of(const MixtureSet& set) {
    std::vector<int64_t> frames;
    for (int64_t i = 0; i < set.size(); ++i)
      for (const float value : set.load(i).mixture.to_vector<float>())
        frames.push_back(std::llround(value * (1 << 20)) - 1);
    return frames;
  }
  static std::vector<std::string> ids_of(const MixtureSet& set) {
    std::vector<std::string> ids;
    for (int64_t i = 0; i < set.size(); ++i) ids.push_back(set.id(i));
    return ids;
  }
};

TEST_F(RecordingItemsTest, FewRecordingsAreDividedByTimeAndCutIntoItems) {
  write_ramp("meeting.wav", 400007);  // 50 s
  const MixtureSet train = open("train"), valid = open("valid"), test = open("test");
  EXPECT_EQ(train.num_sources(), 0);
  EXPECT_FALSE(train.has_sources());
  EXPECT_EQ(train.sample_rate(), 8000);
  EXPECT_EQ(train.size(), 5);  // 40 s and 7 samples: five items, as four would be longer than 10 s
  EXPECT_EQ(ids_of(valid), std::vector<std::string>{"meeting@40.0s"});
  EXPECT_EQ(ids_of(test), std::vector<std::string>{"meeting@45.0s"});
  EXPECT_EQ(train.id(1), "meeting@8.0s");
  for (int64_t i = 0; i < train.size(); ++i) {
    EXPECT_EQ(train.length(i), 64001);
    EXPECT_EQ(train.load(i).mixture.shape(), (Shape{1, 64001}));
    EXPECT_FALSE(train.load(i).sources.defined());
  }
  // Every sample is in one item of one split; less than a sample for each item is dropped.
  std::vector<int64_t> all;
  for (const MixtureSet* set : {&train, &valid, &test})
    for (const int64_t frame : frames_of(*set)) all.push_back(frame);
  EXPECT_TRUE(std::adjacent_find(all.begin(), all.end(), std::greater_equal<>()) == all.end());
  EXPECT_GE(all.size(), 400007u - 5);
}

TEST_F(RecordingItemsTest, ManyRecordingsAreDividedByTheirNamesWhateverTheirKindAndPlace) {
  for (int i = 0; i < 40; ++i) {
    const std::string name = i % 4 == 0 ? fmt::format("day {}/{}", i % 3, i) : std::to_string(i);
    if (i % 3 == 0) write_flac(name + (i % 2 == 0 ? ".FLAC" : ".flac"), 2000 + i, 16000);
    else write_ramp(name + (i % 2 == 0 ? ".WAV" : ".wav"), 1000 + i);
  }
  write_ramp(".hidden.wav", 100);
  write("set/notes.txt", "not a recording");
  std::set<std::string> seen;
  for (const Split split : all_splits) {
    const MixtureSet set = open(split_name(split));
    EXPECT_GT(set.size(), 0);
    for (int64_t i = 0; i < set.size(); ++i) {
      EXPECT_TRUE(seen.insert(set.id(i)).second);
      EXPECT_EQ(set.load(i).length(), set.length(i));
      const std::string name =
          set.id(i).starts_with("day ") ? "day " + set.id(i).substr(4, 1) + "/" + set.id(i).substr(6) : set.id(i);
      const double percentage = hash_percentage(name);
      if (split == Split::train) {
        EXPECT_GE(percentage, 20) << name;
      }
    }
  }
  EXPECT_EQ(seen.size(), 40u);
  const std::vector<std::string> notes = open("train").notes();
  ASSERT_GE(notes.size(), 2u);
  EXPECT_NE(notes[0].find("8000 and 16000 Hz, converted to 8000 Hz"), std::string::npos) << notes[0];
  EXPECT_NE(notes[1].find("10 % of the recordings are for validation and 10 % for the test"), std::string::npos);

  // Others stay where they are when recordings are added.
  const auto before = ids_of(open("valid"));
  for (int i = 40; i < 60; ++i) write_ramp(std::to_string(i) + ".wav", 1000);
  const auto after = ids_of(open("valid"));
  EXPECT_TRUE(std::includes(after.begin(), after.end(), before.begin(), before.end()));
}

TEST_F(RecordingItemsTest, RatesAreConverted) {
  write_flac("wide.flac", 48000, 48000);
  write_flac("cd.flac", 44100, 44100);
  EXPECT_EQ(open("train").sample_rate(), 16000);
  write_flac("phone.flac", 8000, 8000);
  for (const char* split : {"train", "valid", "test"}) EXPECT_EQ(open(split).sample_rate(), 8000);
  const MixtureSet chosen = open("train", {.sample_rate = 24000});
  EXPECT_EQ(chosen.sample_rate(), 24000);
  for (int64_t i = 0; i < chosen.size(); ++i) {
    const Mixture item = chosen.load(i);
    EXPECT_EQ(item.sample_rate, 24000);
    EXPECT_EQ(item.length(), chosen.length(i));
    EXPECT_EQ(item.length(), 19200) << "0.8 s";
  }
  // The same samples as of the whole file.
  const Audio audio = read_audio(folder_ / "set/phone.flac");
  const std::vector<float> expected = resample(std::span(audio.samples).first(6400), 8000, 24000);
  const auto ids = ids_of(chosen);
  const auto phone = std::find(ids.begin(), ids.end(), "phone@0.0s") - ids.begin();
  EXPECT_EQ(chosen.load(phone).mixture.to_vector<float>(), expected);
}

TEST_F(RecordingItemsTest, TheFirstChannelsAreTaken) {
  write_ramp("array.wav", 8000, 8000, 3);
  EXPECT_EQ(open("train").load(0).mixture.shape(), (Shape{1, 6400}));
  const MixtureSet two = open("valid", {.channels = 2});
  const Mixture item = two.load(0);
  ASSERT_EQ(item.mixture.shape(), (Shape{2, 800}));
  EXPECT_EQ(item.mixture.data<float>()[0], 6401.0f / (1 << 20));
  EXPECT_EQ(item.mixture.data<float>()[800], 6401.0f / (1 << 20) + 1);
  EXPECT_NE(two.notes()[1].find("more than 2 channels: the first are taken"), std::string::npos);
  write_ramp("mono.wav", 8000);
  expect_error<InputError>([&] { open("train", {.channels = 3}); },
                           {"set/mono.wav", "expected at least 3 channels, one for each microphone, got 1"});
}

TEST_F(RecordingItemsTest, FoldersOfSplitsAreTaken) {
  write_ramp("train/mix/a.wav", 8000);
  write_ramp("train/mix/deeper/b.wav", 8000);
  write_ramp("train/noise/n.wav", 8000);
  write_ramp("loose.wav", 8000);
  // Without a part for validation one is set aside of train's, and one for the test.
  EXPECT_EQ(ids_of(open("train")), (std::vector<std::string>{"a@0.0s", "deeper_b@0.0s"}));
  EXPECT_EQ(open("valid").length(0), 800);
  EXPECT_EQ(open("test").size(), 2);
  EXPECT_NE(open("train").notes().back().find("1 recording beside the folders for train left out"), std::string::npos);
  write_ramp("valid/mix/v.wav", 4000);
  EXPECT_EQ(ids_of(open("train")), (std::vector<std::string>{"a", "deeper_b"}));
  EXPECT_EQ(ids_of(open("valid")), std::vector<std::string>{"v"});
  expect_error<InputError>([&] { open("test"); }, {"no recordings for the split test, only for train, valid"});
  write_ramp("test/t.wav", 4000);  // without mix/
  EXPECT_EQ(ids_of(open("test")), std::vector<std::string>{"t"});
  fs::remove_all(folder_ / "set/valid");
  EXPECT_EQ(open("train").length(0), 7200) << "a test part of its own leaves 90 % for training";
  fs::remove_all(folder_ / "set/train");
  expect_error<InputError>([&] { open("train"); }, {"no recordings for the split train, only for test"});
}

TEST_F(RecordingItemsTest, CleanSourcesAreNeverTakenForMixtures) {
  for (const char* part : {"mix", "s1", "s2"}) write_ramp(fmt::format("test/{}/a.wav", part), 8000);
  expect_error<InputError>([&] { open("train"); }, {"no recordings for the split train, only for test"});
  // A split's folder instead of the set's, and a folder of sets.
  for (const char* folder : {"set/test", ""})
    expect_error<InputError>([&] { MixtureSet::open(folder_ / folder, "train", {.sources = unused}); },
                             {"expected a mixture set with the split train"});
  // Training mixtures with sources are not divided into some for validation without.
  for (const char* part : {"mix", "s1", "s2"}) write_ramp(fmt::format("train/{}/a.wav", part), 8000);
  expect_error<InputError>([&] { open("valid"); }, {"no recordings for the split valid, only for train, test"});
  EXPECT_EQ(open("train").num_sources(), 2);
  write_ramp("valid/mix/v.wav", 8000);
  EXPECT_EQ(open("valid").num_sources(), 0);
}

TEST_F(RecordingItemsTest, WhatIsWrongIsNamed) {
  fs::create_directories(folder_ / "set");
  expect_error<InputError>([&] { open("train"); }, {"set: expected a mixture set with the split train",
                                                    "found no file that is named", ".flac"});
  write_ramp("good.wav", 8000);
  expect_error<ReferencesMissing>([&] { MixtureSet::open(folder_ / "set", "train"); },
                                  {"set: expected clean sources (s1, s2) beside the mixtures, found none"});
  EXPECT_THROW(open("train", {.close_talk = true}), InputError);
  write("set/bad.flac", "not a recording at all, although it is called one");
  expect_error<InputError>([&] { open("train"); }, {"set/bad.flac"});
  fs::remove(folder_ / "set/bad.flac");
  fs::remove(folder_ / "set/good.wav");
  write_ramp("short.wav", 9);
  expect_error<InputError>([&] { open("valid"); }, {"too short to be divided", "split valid"});
}

// An item reads its own samples: what is wrong elsewhere in an hour of recording does not matter to it.
TEST_F(RecordingItemsTest, ItemsReadTheirOwnRange) {
  std::vector<float> samples(200000, 0.25f);
  samples[150000] = std::numeric_limits<float>::quiet_NaN();
  fs::create_directories(folder_ / "set/train");
  fs::create_directories(folder_ / "set/valid");
  write_wav(folder_ / "set/train/long.wav", samples, 8000);
  write_ramp("valid/v.wav", 100);
  const MixtureSet set = open("train");
  ASSERT_EQ(set.size(), 3);
  EXPECT_EQ(set.load(0).mixture.to_vector<float>(), std::vector<float>(66666, 0.25f));
  expect_error<InputError>([&] { set.load(2); }, {"set/train/long.wav", "nan"});
  write_ramp("train/long.wav", 200000, 16000);
  expect_error<InputError>([&] { set.load(1); }, {"set/train/long.wav", "replaced", "16000 Hz"});
}

}  // namespace
}  // namespace sunder
