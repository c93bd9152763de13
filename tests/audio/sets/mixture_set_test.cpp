#include "audio/sets/mixture_set.h"

#include <sndfile.h>

#include <cmath>
#include <set>
#include <thread>

#include "audio/mixing.h"
#include "audio/recording_cache.h"
#include "audio/resample.h"
#include "audio/sets/mixture_list.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class MixtureSetTest : public ScratchFolder {
 protected:
  // A corpus of two tones, one of them at another rate, and a list over it.
  void write_list(const SetConfig& config, const std::string& csv) const {
    write_tone("corpus/a.wav", 4001, 8000, 0.5f, 440);
    write_tone("corpus/b.wav", 12000, 16000, 0.1f, 700);
    std::filesystem::create_directories(folder_ / "set");
    write_set_config(folder_ / "set/set.toml", config);
    write("set/train.csv", csv);
  }
  SetConfig config() const { return {.rule = "sc09mix", .corpus = "../corpus", .sample_rate = 8000, .window = 8000}; }
};

std::vector<float> first_source(const Mixture& item) { return item.sources.slice(0, 1).to_vector<float>(); }

constexpr const char* two_sources = "mixture_id,source_1_path,source_2_path\nx,a.wav,b.wav\ny,b.wav,a.wav\n";

TEST_F(MixtureSetTest, ListIsMixedByTheRulesOfSc09mix) {
  write_list(config(), two_sources);
  const MixtureSet set = MixtureSet::open(folder_ / "set", "train");
  EXPECT_EQ(set.size(), 2);
  EXPECT_EQ(set.num_sources(), 2);
  EXPECT_EQ(set.sample_rate(), 8000);
  EXPECT_EQ(set.length(1), 8000);
  EXPECT_EQ(set.id(0), "x");
  const Mixture item = set.load(0);
  std::vector<float> expected(8000, 0.0f);
  const Audio tone = read_mono(folder_ / "corpus/a.wav");
  std::copy(tone.samples.begin(), tone.samples.end(), expected.begin() + 1999);  // floor((8000 - 4001) / 2)
  double mean = 0, squares = 0;
  for (const float x : expected) mean += x / 8000;
  for (const float x : expected) squares += (x - mean) * (x - mean);
  ASSERT_EQ(item.mixture.shape(), (Shape{1, 8000}));
  ASSERT_EQ(item.sources.shape(), (Shape{2, 8000}));
  EXPECT_FALSE(item.close_talk.defined());
  const float *mixture = item.mixture.data<float>(), *source = item.sources.data<float>();
  for (size_t t = 0; t < 8000; ++t) {
    ASSERT_NEAR(source[t], (expected[t] - mean) / std::sqrt(squares / 7999), 1e-5);
    ASSERT_EQ(mixture[t], source[t] + source[8000 + t]);
  }
  EXPECT_EQ(source[1998], source[0]);
}

TEST_F(MixtureSetTest, PlacementsAndNoiseFloor) {
  SetConfig voices = config();
  voices.rule = "voices";
  voices.noise_floor_db = -40;
  write_list(
      voices,
      "mixture_id,source_1_path,source_1_begin,source_1_length,source_1_start,source_2_path,source_2_begin,"
      "source_2_length,source_2_start\nx,a.wav,100,2000,5000,b.wav,0,4000,0\nz,a.wav,100,2000,5000,b.wav,0,4000,0\n");
  const MixtureSet set = MixtureSet::open(folder_ / "set", "train");
  const Mixture item = set.load(0);
  const std::vector<float> source = first_source(item), mixture = item.mixture.to_vector<float>();
  double inside = 0, outside = 0;
  for (int t = 0; t < 8000; ++t) {
    const double power = source[t] * source[t];
    (t >= 5000 && t < 7000 ? inside : outside) += power / (t >= 5000 && t < 7000 ? 2000 : 6000);
  }
  EXPECT_NEAR(10 * std::log10(outside / inside), -40, 0.5);
  EXPECT_EQ(mixture, set.load(0).mixture.to_vector<float>());
  EXPECT_NE(source, first_source(set.load(1)));  // another item, other noise
  const MixtureSet uncached = MixtureSet::open(folder_ / "set", "train", {.cache_bytes = 0});
  EXPECT_EQ(mixture, uncached.load(0).mixture.to_vector<float>());
}

// Ten words by five speakers; mixture i has words 2 i and 2 i + 1.
class MixturesOnTheFly : public ScratchFolder {
 protected:
  void write_set(const std::string& rule, bool with_speakers, double levels_db = 0) const {
    std::string csv = "mixture_id";
    for (int s = 1; s <= 2; ++s)
      csv += fmt::format(",source_{0}_path,source_{0}_begin,source_{0}_length,source_{0}_start", s) +
             (with_speakers ? fmt::format(",source_{}_speaker", s) : "");
    for (int word = 0; word < 10; ++word) {
      write_tone(fmt::format("corpus/{}.wav", word), 2000, 8000, 0.5f, 300 + 100 * word);
      csv += (word % 2 == 0 ? fmt::format("\n{}", word / 2) : "") + fmt::format(",{}.wav,0,2000,{}", word, 100 * word) +
             (with_speakers ? fmt::format(",{}", (word + 3) % 5) : "");
    }
    std::filesystem::create_directories(folder_ / "set");
    write_set_config(
        folder_ / "set/set.toml",
        {.rule = rule, .corpus = "../corpus", .sample_rate = 8000, .window = 8000, .levels_db = levels_db});
    write("set/train.csv", csv + "\n");
  }
  MixtureSet open() const { return MixtureSet::open(folder_ / "set", "train", {.on_the_fly = true}); }

  // Which word a source is, by the tone's frequency, and where it starts.
  static std::pair<int, int64_t> heard(const Mixture& item, int s) {
    const std::vector<float> signal = item.sources.slice(s, s + 1).to_vector<float>();
    // Beyond the word a standardised source is a constant.
    int64_t start = 0;
    while (std::abs(signal[start + 1] - signal[0]) < 1e-4) ++start;
    double most = 0;
    int word = -1;
    for (int each = 0; each < 10; ++each) {
      double real = 0, imaginary = 0;
      for (int64_t t = 0; t < 8000; ++t) {
        const double phase = 2 * M_PI * (300 + 100 * each) * static_cast<double>(t) / 8000;
        real += signal[t] * std::cos(phase), imaginary += signal[t] * std::sin(phase);
      }
      if (std::hypot(real, imaginary) > most) most = std::hypot(real, imaginary), word = each;
    }
    return {word, start};
  }
};

TEST_F(MixturesOnTheFly, SpeakersMeetAnewInEveryEpoch) {
  write_set("voices", true);
  const MixtureSet set = open();
  std::set<std::vector<int>> epochs;
  for (const int64_t epoch : {0, 1, 2, 3}) {
    std::vector<int> words;
    for (int64_t i = 0; i < 5; ++i) {
      const Mixture item = set.draw(i, epoch);
      const auto [first, first_start] = heard(item, 0);
      const auto [second, second_start] = heard(item, 1);
      EXPECT_EQ(first, 2 * i);
      EXPECT_NE(first % 5, second % 5) << "one speaker twice, epoch " << epoch;
      words.push_back(second);
      if (epoch == 0) {
        EXPECT_EQ(item.mixture.to_vector<float>(), set.load(i).mixture.to_vector<float>());
        EXPECT_NEAR(first_start, 100 * first, 2);
      } else {
        EXPECT_EQ(item.mixture.to_vector<float>(), set.draw(i, epoch).mixture.to_vector<float>());
        EXPECT_GT(std::abs(first_start - 100 * first), 2) << "of 6,001 places the same";
      }
      EXPECT_LE(second_start, 6001);
    }
    epochs.insert(words);
  }
  EXPECT_GE(epochs.size(), 3u);
}

TEST_F(MixturesOnTheFly, VoicesNeedTheirSpeakersAndWordsOfSc09mixDoNot) {
  write_set("voices", false);
  expect_error<InputError>([&] { open(); },
                           {"train.csv: expected the column source_1_speaker for mixtures on the fly"});
  EXPECT_EQ(MixtureSet::open(folder_ / "set", "train").size(), 5);
  write_set("sc09mix", false);
  EXPECT_NE(open().draw(0, 1).mixture.to_vector<float>(), open().load(0).mixture.to_vector<float>());
  EXPECT_EQ(MixtureSet::open(folder_ / "set", "train").draw(0, 1).mixture.to_vector<float>(),
            open().load(0).mixture.to_vector<float>());
}

TEST_F(MixturesOnTheFly, LevelsDifferByAsMuchAsTheSetSays) {
  write_set("voices", true, 10);
  const MixtureSet set = open();
  double lowest = 100, highest = -100;
  for (const int64_t epoch : {0, 1, 2, 3, 4, 5})
    for (int64_t i = 0; i < 5; ++i) {
      const Mixture item = set.draw(i, epoch);
      for (int s = 0; s < 2; ++s) {
        double power = 0;
        for (const float x : item.sources.slice(s, s + 1).to_vector<float>()) power += x * x / 8000;
        lowest = std::min(lowest, 10 * std::log10(power)), highest = std::max(highest, 10 * std::log10(power));
      }
    }
  EXPECT_GE(lowest, -5.01);
  EXPECT_LE(highest, 5.01);
  EXPECT_LT(lowest, -4);
  EXPECT_GT(highest, 4);
}

TEST_F(MixtureSetTest, LoadsTheSameFromManyThreads) {
  write_list(config(), two_sources);
  const MixtureSet set = MixtureSet::open(folder_ / "set", "train");
  const auto expected = MixtureSet::open(folder_ / "set", "train").load(1).mixture.to_vector<float>();
  std::vector<std::thread> threads;
  std::atomic<int> equal = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) equal += set.load(1).mixture.to_vector<float>() == expected;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, 80);
}

TEST_F(MixtureSetTest, WrittenAudioReadsBackToTheSameSamples) {
  write_list(config(), two_sources);
  const MixtureSet set = MixtureSet::open(folder_ / "set", "train");
  write_audio(set, folder_ / "audio/train", set.size());
  const MixtureSet copy = MixtureSet::open(folder_ / "audio", "train");
  ASSERT_EQ(copy.size(), 2);
  for (int64_t i = 0; i < 2; ++i) {
    EXPECT_EQ(copy.id(i), set.id(i));
    EXPECT_EQ(copy.length(i), 8000);
    EXPECT_EQ(copy.load(i).mixture.to_vector<float>(), set.load(i).mixture.to_vector<float>());
    EXPECT_EQ(copy.load(i).sources.to_vector<float>(), set.load(i).sources.to_vector<float>());
  }
}

TEST_F(MixtureSetTest, OpensLibriMixFromItsRootOrFromMin) {
  for (const char* subset : {"train-100", "dev", "test"})
    for (const char* signal : {"mix_clean", "s1", "s2"})
      write_tone(fmt::format("Libri2Mix/wav8k/min/{}/{}/{}_1.wav", subset, signal, subset), 500);
  const auto id = [&](const char* folder, const char* split) {
    return MixtureSet::open(folder_ / folder, split).id(0);
  };
  EXPECT_EQ(id("Libri2Mix", "train"), "train-100_1");
  EXPECT_EQ(id("Libri2Mix", "valid"), "dev_1");
  EXPECT_EQ(id("Libri2Mix/wav8k/min", "test"), "test_1");
  for (const char* signal : {"mix_clean", "s1", "s2"})
    write_tone(fmt::format("Libri2Mix/wav8k/min/train-360/{}/big.wav", signal), 500);
  EXPECT_EQ(id("Libri2Mix", "train"), "big");
  EXPECT_THROW(MixtureSet::open(folder_ / "Libri2Mix", "dev"), UsageError);
}

// Names in any case and files of any readable kind: partners have one name, whatever its ending.
TEST_F(MixtureSetTest, FoldersTakeAnyKindAndNameWhatHasNoPartner) {
  write_tone("set/train/mix/a.WAV", 500);
  write_tone("set/train/mix/b.wav", 500);
  for (const char* source : {"s1", "s2"}) {
    write_tone(fmt::format("set/train/{}/a.wav", source), 500);
    write_tone(fmt::format("set/train/{}/b.wav", source), 500);
  }
  {
    SF_INFO info{};
    info.samplerate = 8000, info.channels = 1, info.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
    for (const char* name : {"mix/c.flac", "s1/c.Flac", "s2/c.FLAC"}) {
      SNDFILE* file = sf_open((folder_ / "set/train" / name).c_str(), SFM_WRITE, &info);
      ASSERT_NE(file, nullptr);
      const std::vector<float> samples(500, 0.25f);
      EXPECT_EQ(sf_write_float(file, samples.data(), 500), 500);
      sf_close(file);
    }
  }
  const MixtureSet set = MixtureSet::open(folder_ / "set", "train");
  ASSERT_EQ(set.size(), 3);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(set.id(i), std::string(1, static_cast<char>('a' + i)));
    EXPECT_EQ(set.load(i).sources.shape(), (Shape{2, 500}));
  }
  EXPECT_EQ(set.load(2).mixture.data<float>()[7], 0.25f);
  EXPECT_TRUE(set.notes().empty());
  write_tone("set/train/s2/d.wav", 500);
  const std::vector<std::string> notes = MixtureSet::open(folder_ / "set", "train").notes();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("train/s2 has no mixture and is left out, first d.wav"), std::string::npos) << notes[0];
  write_tone("set/train/mix/a.wav", 500);
  expect_error<InputError>([&] { MixtureSet::open(folder_ / "set", "train"); },
                           {"set/train/mix/a.wav: expected one file for the mixture a, found a.WAV too"});
}

TEST_F(MixtureSetTest, OpensWsj0) {
  for (const char* subset : {"tr", "cv", "tt"})
    for (const char* signal : {"mix", "s1", "s2"})
      write_tone(fmt::format("2speakers/wav8k/min/{}/{}/{}.wav", subset, signal, subset), 500);
  EXPECT_EQ(MixtureSet::open(folder_ / "2speakers", "train").id(0), "tr");
  EXPECT_EQ(MixtureSet::open(folder_ / "2speakers/wav8k/min", "valid").id(0), "cv");
  EXPECT_EQ(MixtureSet::open(folder_ / "2speakers", "test").id(0), "tt");
}

// WHAM! has clean and noisy mixtures of the same sources, WHAMR! also reverberant ones of dry sources.
TEST_F(MixtureSetTest, OneKeyChoosesAmongATreesMixtures) {
  for (const char* folder : {"mix_clean", "mix_both", "s1", "s2", "noise"})
    write_tone(fmt::format("wham/wav8k/min/tr/{}/a.wav", folder), 500);
  for (const char* folder : {"mix_clean_anechoic", "mix_both_reverb", "s1_anechoic", "s2_anechoic", "s1_reverb"})
    write_tone(fmt::format("whamr/wav8k/min/tr/{}/a.wav", folder), 500);
  for (const char* folder : {"mix_both", "s1", "s2"}) write_tone(fmt::format("noisy/train/{}/a.wav", folder), 500);
  const auto open = [&](const char* set, const char* kind) {
    return MixtureSet::open(folder_ / set, "train", {.mixture_kind = kind});
  };
  const MixtureSet clean = open("wham", "auto"), both = open("wham", "both");
  EXPECT_EQ(clean.mixture_kind(), "clean");
  EXPECT_FALSE(clean.has_noise());
  ASSERT_EQ(clean.notes().size(), 1u);
  EXPECT_EQ(clean.notes()[0],
            "the mixtures are those in mix_clean; there are also mixtures both, which data.mixture_kind chooses");
  EXPECT_TRUE(both.has_noise());
  EXPECT_TRUE(both.notes().empty());
  EXPECT_EQ(both.reads_from()[0], folder_ / "wham/wav8k/min/tr/mix_both");
  EXPECT_EQ(open("noisy", "auto").mixture_kind(), "both") << "there are no others";
  const MixtureSet reverberant = open("whamr", "both_reverb");
  EXPECT_EQ(reverberant.num_sources(), 2);
  EXPECT_EQ(reverberant.reads_from(),
            (std::vector{folder_ / "whamr/wav8k/min/tr/mix_both_reverb", folder_ / "whamr/wav8k/min/tr/s1_anechoic",
                         folder_ / "whamr/wav8k/min/tr/s2_anechoic"}));
  expect_error<InputError>([&] { open("wham", "clean_reverb"); },
                           {"wham/wav8k/min/tr: expected a folder mix_clean_reverb beside s1"});
  write("listed/set.toml", "");
  expect_error<InputError>([&] { open("listed", "both"); }, {"listed: expected mixtures in folders mix_both"});
}

class NoisyListTest : public MixtureSetTest {
 protected:
  static constexpr int64_t window = 4000;

  void SetUp() override {
    MixtureSetTest::SetUp();
    write_tone("corpus/a.wav", window, 8000, 0.5f, 440);
    write_tone("corpus/b.wav", window, 8000, 0.1f, 700);
    write_tone("noise/hum.wav", 1000, 8000, 0.2f, 50);  // shorter than the window
  }
  MixtureSet open(const NoiseConfig& noise, bool on_the_fly = false) const {
    std::filesystem::create_directories(folder_ / "set");
    SetConfig config{.rule = "sc09mix", .corpus = "../corpus", .window = window, .seed = 3, .noise = noise};
    write_set_config(folder_ / "set/set.toml", config);
    std::string list = "mixture_id,source_1_path,source_2_path,noise_path,noise_begin\n";
    for (int i = 0; i < 40; ++i) list += fmt::format("m{},a.wav,b.wav,hum.wav,{}\n", i, 17 * i);
    write("set/train.csv", list);
    return MixtureSet::open(folder_ / "set", "train", {.on_the_fly = on_the_fly});
  }
  // The mixture less its sources.
  static std::vector<float> rest(const Mixture& item) {
    std::vector<float> result = item.mixture.to_vector<float>();
    for (int64_t t = 0; t < window; ++t)
      result[t] -= item.sources.data<float>()[t] + item.sources.data<float>()[window + t];
    return result;
  }
  static double snr(const Mixture& item) {
    double speech = 0, noise = 0;
    const std::vector<float> left = rest(item);
    for (int64_t t = 0; t < window; ++t) {
      speech += std::pow(item.mixture.data<float>()[t] - left[t], 2);
      noise += std::pow(left[t], 2);
    }
    return 10 * std::log10(speech / noise);
  }
};

TEST_F(NoisyListTest, NoiseStandsBelowTheVoicesByTheSetsRange) {
  const MixtureSet plain = open({});
  EXPECT_FALSE(plain.has_noise());
  for (const NoiseConfig& noise : {NoiseConfig{"white", "", -5, 10}, NoiseConfig{"recordings", "../noise", -5, 10}}) {
    const MixtureSet set = open(noise);
    EXPECT_TRUE(set.has_noise());
    double lowest = 100, highest = -100;
    for (int64_t i = 0; i < set.size(); ++i) {
      const Mixture item = set.load(i);
      EXPECT_TRUE(item.has_noise);
      EXPECT_EQ(item.sources.to_vector<float>(), plain.load(i).sources.to_vector<float>()) << "sources have none";
      EXPECT_EQ(item.mixture.to_vector<float>(), set.load(i).mixture.to_vector<float>());
      lowest = std::min(lowest, snr(item));
      highest = std::max(highest, snr(item));
    }
    EXPECT_GT(lowest, -5.01);
    EXPECT_LT(lowest, -2);
    EXPECT_LT(highest, 10.01);
    EXPECT_GT(highest, 7);
    EXPECT_NE(set.contents(0), plain.contents(0));
  }
}

TEST_F(NoisyListTest, ARecordingBeginsWhereTheListSaysAndBeginsAgain) {
  const MixtureSet set = open({"recordings", "../noise", 0, 0});
  const std::vector<float> hum = read_audio(folder_ / "noise/hum.wav").samples;
  for (const int64_t i : {0, 7}) {
    const std::vector<float> left = rest(set.load(i));
    double along = 0, energy = 0;
    for (int64_t t = 0; t < window; ++t) {
      along += left[t] * hum[(17 * i + t) % 1000];
      energy += hum[(17 * i + t) % 1000] * hum[(17 * i + t) % 1000];
    }
    for (int64_t t = 0; t < window; ++t) ASSERT_NEAR(left[t], along / energy * hum[(17 * i + t) % 1000], 1e-5);
  }
  const MixtureSet anew = open({"recordings", "../noise", 0, 10}, /*on_the_fly=*/true);
  EXPECT_NE(rest(anew.draw(0, 1)), rest(anew.draw(0, 2)));
  EXPECT_NE(snr(anew.draw(0, 1)), snr(anew.draw(0, 2)));
  EXPECT_EQ(rest(anew.draw(0, 1)), rest(anew.draw(0, 1)));
}

TEST_F(NoisyListTest, WhatIsNoNoiseIsNamed) {
  write_wav(folder_ / "noise/hum.wav", std::vector<float>(1000), 8000);
  const MixtureSet silent = open({"recordings", "../noise", 0, 0});
  expect_error<InputError>([&] { silent.load(0); },
                           {"noise/hum.wav: expected noise above -120 dB of full scale, got silence (mixture m0)"});
  std::filesystem::remove_all(folder_ / "noise");
  expect_error<InputError>([&] { open({"recordings", "../noise", 0, 0}); }, {"noise", "no such folder"});
  const auto refused = [&](const std::string& text, const std::string& message) {
    open({});
    write("set/set.toml", read("set/set.toml") + text);
    expect_error<InputError>([&] { MixtureSet::open(folder_ / "set", "train"); }, {"set.toml", message});
  };
  refused("noise = 'pink'\nsnr_low_db = 0.0\nsnr_high_db = 1.0\n", "expected noise white or recordings, got \"pink\"");
  refused("noise = 'white'\nsnr_low_db = 3.0\nsnr_high_db = 1.0\n", "in this order, got 3 and 1");
  refused("noise = 'white'\nsnr_low_db = 3.0\n", "the key snr_high_db is missing");
}

TEST_F(MixtureSetTest, BrokenFoldersAreNamedWithTheFile) {
  const auto fails = [&](const std::vector<std::string>& parts) {
    expect_error<InputError>([&] { MixtureSet::open(folder_ / "set", "train").load(0); }, parts);
  };
  fails({"set", "no such folder"});
  std::filesystem::create_directories(folder_ / "set");
  fails({"expected a mixture set", "set.toml"});
  write_tone("set/train/s1/a.wav", 500);
  fails({"folder mix"});
  write_tone("set/train/mix/a.wav", 500);
  fails({"s1 and s2"});
  std::filesystem::create_directories(folder_ / "set/train/s2");
  fails({"set/train/s2/a.wav", "no such file", "mix/a.wav"});
  write_tone("set/train/s2/a.wav", 499);
  fails({"set/train/s2/a.wav", "expected 500 samples", "got 499"});
  write_tone("set/train/s2/a.wav", 500, 16000);
  fails({"set/train/s2/a.wav", "expected 8000 Hz", "16000"});
  std::filesystem::remove(folder_ / "set/train/mix/a.wav");
  fails({"has no audio files (.wav"});
}

TEST_F(MixtureSetTest, BrokenListsAreNamedWithTheFile) {
  const auto fails = [&](const std::vector<std::string>& parts) {
    expect_error<InputError>([&] { MixtureSet::open(folder_ / "set", "train").load(0); }, parts);
  };
  write_list(config(), "mixture_id,source_1_path\nx,a.wav\n");
  fails({"train.csv", "missing: source_2_path"});
  write_list(config(), "mixture_id,source_1_path,source_2_path\n");
  fails({"train.csv", "lists no mixtures"});
  write_list(config(), "mixture_id,source_1_path,source_2_path\nx,a.wav,b.wav\nx,a.wav,b.wav\n");
  fails({"line 3", "\"x\" is listed twice"});
  write_list(config(), "mixture_id,source_1_path,source_2_path\nx,a.wav,gone.wav\n");
  fails({"train.csv: ", "gone.wav: no such file"});
  write_list(config(), "mixture_id,source_1_path,source_2_path\nx,a.wav,gone.wav\ny,gone.wav,lost.wav\n");
  fails({"gone.wav: no such file; 2 of 3 files are missing, also ", "lost.wav"});
  const std::string placed =
      "mixture_id,source_1_path,source_1_begin,source_1_length,source_1_start,source_2_path,"
      "source_2_begin,source_2_length,source_2_start\n";
  write_list(config(), placed + "x,a.wav,0,7000,1001,b.wav,0,1,0\n");
  fails({"line 2", "source 1", "does not fit"});
  write_list(config(), placed + "x,a.wav,0,7e3,1001,b.wav,0,1,0\n");
  fails({"line 2", "whole number", "source_1_length", "7e3"});
  write_list(config(), "mixture_id,source_1_path,source_2_path\nx,a.wav,silent.wav\n");
  write_tone("corpus/silent.wav", 1000, 8000, 0.0f);
  fails({"silent.wav", "silent", "mixture x"});
  write_wav(folder_ / "corpus/silent.wav", std::vector<float>(100, 0.1f), 8000, WavFormat::float32, 2);
  fails({"silent.wav", "one channel, got 2"});
  SetConfig elsewhere = config();
  elsewhere.corpus = "../nowhere";
  write_list(elsewhere, two_sources);
  fails({"nowhere", "corpus", "no such folder"});
  EXPECT_EQ(MixtureSet::open(folder_ / "set", "train", {.corpus = folder_ / "corpus"}).load(0).id, "x");
}

TEST_F(MixtureSetTest, SetConfigIsReadBackAndChecked) {
  SetConfig written{.rule = "voices",
                    .corpus = "with \"quotes\"",
                    .sample_rate = 16000,
                    .window = 5,
                    .num_sources = 3,
                    .seed = 1ull << 60,
                    .channels = Channels::mean,
                    .noise_floor_db = -42.5};
  write_set_config(folder_ / "set.toml", written);
  const SetConfig read_back = read_set_config(folder_ / "set.toml");
  EXPECT_EQ(read_back.corpus, written.corpus);
  EXPECT_EQ(read_back.num_sources, 3);
  EXPECT_EQ(read_back.seed, written.seed);
  EXPECT_EQ(read_back.channels, Channels::mean);
  EXPECT_EQ(read_back.noise_floor_db, -42.5);
  const std::string text = read("set.toml");
  const auto fails = [&](const std::string& changed, const std::vector<std::string>& parts) {
    write("set.toml", changed);
    expect_error<InputError>([&] { read_set_config(folder_ / "set.toml"); }, parts);
  };
  fails(text + "windw = 3\n", {"unknown key windw"});
  fails("rule = \"voices\"\n", {"key corpus is missing"});
  fails("rule = ", {"set.toml", "not valid TOML at line 1"});
  for (const char* letter : {"\xC3\xA0", "\xE3\x81\x82", "\xEF\xBB\xAF"})
    fails(text + letter + " = 2\n", {"set.toml", "line 9"});
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    return changed.replace(changed.find(from), from.size(), to);
  };
  for (const char* rate : {"0", "1", "999", "768001", "1000000000"})
    fails(with("sample_rate = 16000", fmt::format("sample_rate = {}", rate)),
          {"set.toml", fmt::format("expected sample_rate from 1000 to 768000, got {}", rate)});
  fails(with("sample_rate = 16000", "sample_rate = 4294967297"), {"sample_rate", "got 4294967297"});
  fails(with("window = 5", "window = 1152921504606846976"), {"expected window from 2 to 2147483647"});
  fails(with("sources = 3", "sources = 4294967298"), {"expected sources from 2 to 16, got 4294967298"});
  fails(with("-42.5", "nan"), {"expected a finite noise_floor_db, got nan"});
}

TEST(CorpusReferenceTest, IsRelativeWhereSetAndCorpusShareAFolder) {
  EXPECT_EQ(corpus_reference("/data/words", "/data/sets/a"), "../../words");
  EXPECT_EQ(corpus_reference("/usr/share", "/home/a/set"), "/usr/share");
}

TEST(RecordingCacheTest, KeepsTheFirstUpToItsLimit) {
  RecordingCache cache(2 * 10 * sizeof(float));
  int made = 0;
  const auto get = [&](const std::string& key) {
    return cache.get(key, [&] { return ++made, std::vector<float>(10, 1.0f); });
  };
  const Signal first = get("a");
  get("b");
  get("c");
  EXPECT_EQ(made, 3);
  EXPECT_EQ(get("a"), first);
  get("b");
  EXPECT_EQ(made, 3);
  get("c");
  EXPECT_EQ(made, 4);
  EXPECT_EQ(cache.bytes(), static_cast<int64_t>(20 * sizeof(float)));
}

}  // namespace
}  // namespace sunder
