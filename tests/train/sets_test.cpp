#include "train/sets.h"

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

// What a configuration leaves to the data.
class SetsTest : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    config_.data.set = (folder_ / "set").string();
    write_tone("set/a.wav", 48000);
    write_tone("set/b.wav", 160000, 16000);
  }
  TrainingSets open(const std::string& method) { return open_sets(config_, find_method(method)); }

  Config config_;
};

TEST_F(SetsTest, RecordingsHaveNoReferencesOneRateAndSegments) {
  const TrainingSets sets = open("mixcycle");
  EXPECT_EQ(config_.data.sample_rate, 8000);
  EXPECT_EQ(config_.data.segment_seconds, 2);
  EXPECT_EQ(config_.validation.select, "blind");
  EXPECT_EQ(sets.training.size(), 2);
  EXPECT_EQ(sets.validation.sample_rate(), 8000);
  std::string notes;
  for (const std::string& note : sets.notes) notes += note + "\n";
  for (const char* part :
       {"train: 2 recordings of 8000 and 16000 Hz, converted to 8000 Hz", "valid: 2 recordings",
        "the first 80 % are for training", "data.segment_seconds is 2 for this run: items differ in length",
        "validation.select is blind for this run: validation mixtures have no clean sources"})
    EXPECT_NE(notes.find(part), std::string::npos) << part << " not in\n" << notes;
  EXPECT_EQ(notes.find("% are for training", notes.find("% are for training") + 1), std::string::npos) << "said once";
  // A run that is resumed has the completed configuration, and nothing more to say about it.
  const Config before = config_;
  EXPECT_LT(open("mixcycle").notes.size(), sets.notes.size());
  EXPECT_TRUE(compare(before, config_).empty());
}

TEST_F(SetsTest, TheScoreIsOneThatExists) {
  const auto select = [&](const std::string& method) {
    config_.validation.select = "si_snri";
    open(method);
    return config_.validation.select;
  };
  EXPECT_EQ(select("mixpit"), "blind");
  EXPECT_EQ(select("mixit"), "loss") << "four outputs";
  config_.validation.max_items = 1;
  EXPECT_EQ(select("mixpit"), "loss") << "one item has no partner";
  config_.validation.max_items = 0;
  config_.validation.select = "loss";
  open("mixpit");
  EXPECT_EQ(config_.validation.select, "loss") << "what needs no references is left alone";
}

TEST_F(SetsTest, WhatDoesNotFitIsRefused) {
  expect_error<ReferencesMissing>([&] { open("pit"); }, {"expected clean sources (s1, s2) beside the mixtures"});
  config_.data.sample_rate = 5;
  expect_error<UsageError>([&] { open("mixpit"); }, {"data.sample_rate: expected a sample rate from 1000", "got 5"});
  config_.data.sample_rate = 16000;
  EXPECT_EQ(open("mixpit").training.sample_rate(), 16000);
  for (const char* split : {"train", "valid"})
    for (const char* part : {"mix", "s1", "s2"}) write_tone(fmt::format("full/{}/{}/a.wav", split, part), 4000);
  config_ = Config();
  config_.data.set = (folder_ / "full").string();
  open("pit");
  EXPECT_EQ(config_.validation.select, "si_snri");
  EXPECT_EQ(config_.data.sample_rate, 0);
  EXPECT_EQ(config_.data.segment_seconds, 0);
  config_.data.sample_rate = 16000;
  expect_error<UsageError>([&] { open("pit"); },
                           {"data.sample_rate: the set", "has 8000 Hz, got 16000; only recordings are converted"});
  // Training mixtures with sources, validation mixtures without.
  config_.data.sample_rate = 0;
  for (const char* source : {"s1", "s2"}) std::filesystem::remove_all(folder_ / "full/valid" / source);
  write_tone("full/valid/mix/b.wav", 4000);
  open("pit");
  EXPECT_EQ(config_.validation.select, "blind");
}

}  // namespace
}  // namespace sunder
