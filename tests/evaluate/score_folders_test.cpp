#include "evaluate/score_folders.h"

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

using Names = std::vector<std::string>;

// Only names count: the files are empty.
class ScoreFoldersTest : public ScratchFolder {
 protected:
  void make(const Names& files) const {
    for (const std::string& file : files) write(file, "");
  }
  ScoreSet find(const std::string& references, const std::string& estimates, const std::string& mixtures = "") const {
    return find_scored_files(folder_ / references, folder_ / estimates, mixtures.empty() ? "" : folder_ / mixtures);
  }
  // "x: s1=refs/s1/x.wav s2=refs/s2/x.wav < ests/x_s1.wav ests/x_s2.wav | mix/x.wav"; " = " for sources matched by
  // name.
  Names lines(const ScoreSet& set) const {
    const auto name = [&](const std::filesystem::path& path) { return path.lexically_relative(folder_).string(); };
    Names result;
    for (const ScoredFiles& item : set.items) {
      std::string line = item.name + ":";
      for (size_t s = 0; s < item.sources.size(); ++s)
        line += fmt::format(" {}={}", item.sources[s], name(item.references.at(s)));
      line += item.matched ? " =" : " <";
      for (const auto& path : item.estimates) line += fmt::format(" {}", name(path));
      if (!item.mixture.empty()) line += fmt::format(" | {}", name(item.mixture));
      result.push_back(line);
    }
    return result;
  }
};

// .WAV and .Flac are recordings, and the kinds of a pair may differ.
TEST_F(ScoreFoldersTest, KindsOfAnyCase) {
  make({"refs/a.WAV", "refs/b.Flac", "refs/c.wav", "refs/notes.txt", "refs/._a.wav", "refs/.git/d.wav", "ests/a.flac",
        "ests/b.wav", "ests/c.OGG", "mix/a.aiff", "mix/b.wav", "mix/c.wav"});
  const ScoreSet set = find("refs", "ests", "mix");
  EXPECT_EQ(lines(set),
            (Names{"a: s1=refs/a.WAV < ests/a.flac | mix/a.aiff", "b: s1=refs/b.Flac < ests/b.wav | mix/b.wav",
                   "c: s1=refs/c.wav < ests/c.OGG | mix/c.wav"}));
  EXPECT_EQ(set.notes, Names{});
}

TEST_F(ScoreFoldersTest, NumberedEstimatesOfAllPrograms) {
  make({"refs/s1/x.wav",    "refs/s2/x.flac",      "refs/mix/x.wav",      "ours/x_s1.wav",  "ours/x_s2.wav",
        "ours/x.png",       "asteroid/x_est1.wav", "asteroid/x_est2.wav", "asteroid/x.wav", "folders/s1/x.wav",
        "folders/s2/x.wav", "espnet/1/x.wav",      "espnet/2/x.wav",      "spk/spk1/x.wav", "spk/spk2/x.wav",
        "more/x_s1.wav",    "more/x_s2.wav",       "more/x_s3.wav",       "items/x/s1.wav", "items/x/s2.wav"});
  const auto estimates = [&](const std::string& folder) {
    const ScoreSet set = find("refs", folder);
    EXPECT_EQ(set.notes, Names{}) << folder;
    const std::string line = lines(set).at(0), start = "x: s1=refs/s1/x.wav s2=refs/s2/x.flac < ";
    EXPECT_EQ(line.substr(0, start.size()), start);
    return line.substr(start.size());
  };
  EXPECT_EQ(estimates("ours"), "ours/x_s1.wav ours/x_s2.wav");
  EXPECT_EQ(estimates("asteroid"), "asteroid/x_est1.wav asteroid/x_est2.wav") << "x.wav is the mixture";
  EXPECT_EQ(estimates("folders"), "folders/s1/x.wav folders/s2/x.wav");
  EXPECT_EQ(estimates("espnet"), "espnet/1/x.wav espnet/2/x.wav");
  EXPECT_EQ(estimates("spk"), "spk/spk1/x.wav spk/spk2/x.wav");
  EXPECT_EQ(estimates("more"), "more/x_s1.wav more/x_s2.wav more/x_s3.wav");
  EXPECT_EQ(estimates("items"), "items/x/s1.wav items/x/s2.wav");
}

// x_s1.wav is an item, or a source of x where the estimates say so.
TEST_F(ScoreFoldersTest, NumberedReferencesInOneFolder) {
  make({"refs/x_s1.wav", "refs/x_s2.wav", "refs/y_s1.wav", "same/x_s1.wav", "same/x_s2.wav", "same/y_s1.wav",
        "ests/x_est1.wav", "ests/x_est2.wav", "ests/y_est1.wav", "ests/y_est2.wav"});
  EXPECT_EQ(find("refs", "same").items.size(), 3u);
  EXPECT_EQ(lines(find("refs", "ests")),
            (Names{"x: s1=refs/x_s1.wav s2=refs/x_s2.wav < ests/x_est1.wav ests/x_est2.wav",
                   "y: s1=refs/y_s1.wav < ests/y_est1.wav ests/y_est2.wav"}));
}

// Asteroid's evaluations leave references and estimates in one folder an example; s10 comes behind s2.
TEST_F(ScoreFoldersTest, OneFolderHoldsBoth) {
  make({"ex/ex_1/mixture.wav", "ex/ex_1/s1.wav", "ex/ex_1/s2.wav", "ex/ex_1/s1_estimate.wav", "ex/ex_1/s2_estimate.wav",
        "ex/ex_2/mixture.wav", "ex/ex_2/s0.wav", "ex/ex_2/s0_estimate.wav"});
  const ScoreSet set = find("ex", "ex");
  EXPECT_EQ(lines(set), (Names{"ex_1: s1=ex/ex_1/s1.wav s2=ex/ex_1/s2.wav < ex/ex_1/s1_estimate.wav "
                               "ex/ex_1/s2_estimate.wav | ex/ex_1/mixture.wav",
                               "ex_2: s0=ex/ex_2/s0.wav < ex/ex_2/s0_estimate.wav | ex/ex_2/mixture.wav"}));
  ASSERT_EQ(set.notes.size(), 1u);
  EXPECT_NE(set.notes[0].find("different numbers of sources: 1 in 1 (ex_2), 2 in 1 (ex_1)"), std::string::npos);

  Names many;
  for (int s = 1; s <= 10; ++s) many.push_back(fmt::format("ten/x/s{}.wav", s));
  make(many);
  EXPECT_EQ(find("ten", "ten").items.at(0).sources.at(1), "s2");
}

// musdb: sources have names, and each reference its own name's estimate.
TEST_F(ScoreFoldersTest, NamedSourcesAreMatchedByName) {
  make({"musdb/A - a/mixture.wav", "musdb/A - a/vocals.wav", "musdb/A - a/bass.wav", "musdb/B/mixture.wav",
        "musdb/B/vocals.wav", "musdb/B/bass.wav", "ests/A - a/vocals.flac", "ests/A - a/bass.wav", "ests/B/vocals.wav",
        "ests/B/bass.wav", "ests/B/accompaniment.wav", "stems/vocals/B.wav", "stems/bass/B.wav",
        "stems/vocals/A - a.wav", "stems/bass/A - a.wav", "flat/B_vocals.wav", "flat/A - a_vocals.wav"});
  const ScoreSet set = find("musdb", "ests");
  const Names expected = {
      "A - a: bass=musdb/A - a/bass.wav vocals=musdb/A - a/vocals.wav = ests/A - a/bass.wav "
      "ests/A - a/vocals.flac | musdb/A - a/mixture.wav",
      "B: bass=musdb/B/bass.wav vocals=musdb/B/vocals.wav = ests/B/bass.wav ests/B/vocals.wav | "
      "musdb/B/mixture.wav"};
  EXPECT_EQ(lines(set), expected);
  ASSERT_EQ(set.notes.size(), 1u);
  EXPECT_NE(set.notes[0].find("1 recording has no partner and is not scored: B/accompaniment.wav"), std::string::npos);

  EXPECT_EQ(lines(find("stems", "ests")).at(1),
            "B: bass=stems/bass/B.wav vocals=stems/vocals/B.wav = ests/B/bass.wav ests/B/vocals.wav");
  EXPECT_EQ(lines(find("musdb", "stems")).at(1),
            "B: bass=musdb/B/bass.wav vocals=musdb/B/vocals.wav = stems/bass/B.wav stems/vocals/B.wav | "
            "musdb/B/mixture.wav");
  // A system of one source is scored on it; the others are named.
  const ScoreSet vocals = find("musdb", "flat");
  EXPECT_EQ(lines(vocals).at(1), "B: vocals=musdb/B/vocals.wav = flat/B_vocals.wav | musdb/B/mixture.wav");
  ASSERT_EQ(vocals.notes.size(), 1u);
  EXPECT_NE(vocals.notes[0].find("2 recordings have no partner and are not scored: A - a/bass.wav, B/bass.wav"),
            std::string::npos);
}

TEST_F(ScoreFoldersTest, ItemsHaveTheirOwnNumbersOfSources) {
  make({"refs/s1/a.wav", "refs/s2/a.wav", "refs/s1/b.wav", "refs/s2/b.wav", "refs/s3/b.wav", "ests/a_s1.wav",
        "ests/a_s2.wav", "ests/b_s1.wav", "ests/b_s2.wav", "ests/b_s3.wav"});
  const ScoreSet set = find("refs", "ests");
  EXPECT_EQ(lines(set), (Names{"a: s1=refs/s1/a.wav s2=refs/s2/a.wav < ests/a_s1.wav ests/a_s2.wav",
                               "b: s1=refs/s1/b.wav s2=refs/s2/b.wav s3=refs/s3/b.wav < ests/b_s1.wav ests/b_s2.wav "
                               "ests/b_s3.wav"}));
  ASSERT_EQ(set.notes.size(), 1u);
  EXPECT_NE(set.notes[0].find("items have different numbers of sources: 2 in 1 (a), 3 in 1 (b)"), std::string::npos);
}

// Means over a part of the items would pass for means over all: a reference without an estimate is an error.
TEST_F(ScoreFoldersTest, WhatHasNoPartnerIsNamed) {
  make({"refs/a.wav", "refs/b.wav", "refs/c.flac", "ests/a.wav", "ests/d.WAV", "ests/below/e.wav", "mix/a.wav",
        "mix/f.wav"});
  expect_error<InputError>([&] { find("refs", "ests"); },
                           {"ests: expected estimates of all 3 items in", "refs, found none for 2: b, c"});
  make({"ests/b.wav", "ests/c.wav"});
  expect_error<InputError>([&] { find("refs", "ests", "mix"); }, {"mix", "found none for 2: b, c"});
  const ScoreSet set = find("refs", "ests");
  EXPECT_EQ(set.items.size(), 3u);
  ASSERT_EQ(set.notes.size(), 2u);
  EXPECT_NE(set.notes[0].find("ests: 1 recording has no partner and is not scored: d.WAV"), std::string::npos);
  EXPECT_NE(set.notes[1].find("ests: 1 recording in folders below is not scored"), std::string::npos);
  make({"mix/b.wav", "mix/c.OGG"});
  EXPECT_NE(find("refs", "ests", "mix").notes.at(0).find("mix: 1 recording has no partner"), std::string::npos);

  make({"two/s1/a.wav", "two/s2/a.wav", "few/a_s1.wav", "gap/a_s1.wav", "gap/a_s3.wav"});
  expect_error<InputError>([&] { find("two", "few"); }, {"few", "found none for 1: a (1 of 2)"});
  expect_error<InputError>([&] { find("two", "gap"); }, {"gap", "found none for 1: a s2"});
  make({"musdb/t/vocals.wav", "musdb/t/bass.wav", "musdb/u/vocals.wav", "musdb/u/bass.wav", "part/t/vocals.wav",
        "part/t/bass.wav", "part/u/vocals.wav"});
  expect_error<InputError>([&] { find("musdb", "part"); }, {"part", "found none for 1: u bass"});
}

TEST_F(ScoreFoldersTest, WhatCannotBeToldApartIsAnError) {
  make({"twice/x.wav", "twice/x.flac", "ests/x.wav"});
  expect_error<InputError>([&] { find("twice", "ests"); }, {"twice", "x.flac and x.wav have one name"});
  expect_error<InputError>([&] { find("ests", "twice"); }, {"twice", "x.flac and x.wav have one name"});
  make({"hole/x/s1.wav", "hole/x/s3.wav"});
  expect_error<InputError>([&] { find("hole", "ests"); }, {"hole", "x has a recording of s3", "none of s2"});
  make({"both/x_s1.wav", "both/x_est1.wav", "two/s1/x.wav", "two/s2/x.wav"});
  expect_error<InputError>([&] { find("two", "both"); }, {"x_est1.wav", "x_s1.wav", "both estimates of s1 of x"});
  Names corpus;
  for (int i = 0; i < 33; ++i) corpus.push_back(fmt::format("corpus/speaker/{}.wav", i));
  make(corpus);
  expect_error<InputError>([&] { find("corpus", "corpus"); }, {"speaker", "at most 32, found 33"});
  expect_error<InputError>([&] { find("nowhere", "ests"); }, {"nowhere", "no such folder"});
  std::filesystem::create_directory(folder_ / "empty");
  expect_error<InputError>([&] { find("empty", "ests"); }, {"empty", "found none"});
}

}  // namespace
}  // namespace sunder
