// The corpora of recorded speech in SUNDER_SHARED.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "audio/corpora/corpus.h"
#include "audio/corpora/screening.h"
#include "audio/file.h"
#include "audio/sets/pairing.h"
#include "files/csv.h"
#include "tests/paths.h"

namespace sunder {
namespace {

class SharedDataTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("SUNDER_SHARED");
    root_ = std::filesystem::path(shared ? shared : source_folder + "/../shared") / "data" / GetParam();
    if (std::filesystem::exists(root_ / "splits.csv")) return;
    const char* required = std::getenv("SUNDER_REQUIRE_SHARED");
    if (required && std::string(required) == "1") FAIL() << root_ << " is not there";
    GTEST_SKIP() << root_ << " is not there (SUNDER_SHARED)";
  }
  std::filesystem::path root_;
};

// splits.csv lists num_samples and peak of every file, measured by another program.
TEST_P(SharedDataTest, FilesDecodeToTheSamplesListed) {
  const CsvTable table = CsvTable::read(root_ / "splits.csv");
  ASSERT_GT(table.size(), 0);
  for (int64_t row = 0; row < table.size(); row += 37) {
    const Audio audio = read_mono(root_ / table.at(row, "path"));
    ASSERT_EQ(audio.frames, table.integer(row, "num_samples")) << table.at(row, "path");
    ASSERT_EQ(audio.sample_rate, 8000);
    float peak = 0;
    for (const float sample : audio.samples) peak = std::max(peak, std::abs(sample));
    ASSERT_NEAR(peak, table.number(row, "peak"), 1e-4) << table.at(row, "path");
  }
}

TEST_P(SharedDataTest, CorpusMakesMixturesOfDifferentSpeakersInEverySplit) {
  const Corpus corpus = read_splits_csv(root_);
  for (const Split split : all_splits) {
    require_speakers(corpus, split, 2);
    const std::vector<Recording> all = corpus.of(split);
    Corpus part{root_, {}};
    for (size_t i = 0; i < all.size(); i += 1 + all.size() / 60) part.recordings.push_back(all[i]);
    const ScreeningResult screened = screen(part, {.trim = true});
    EXPECT_EQ(screened.kept.size(), part.recordings.size());
    EXPECT_EQ(pair_voices(screened.kept, {.split = split, .count = 20, .window = 16000}).size(), 20u);
  }
}

INSTANTIATE_TEST_SUITE_P(Corpora, SharedDataTest, testing::Values("digits", "words", "sentences"));

}  // namespace
}  // namespace sunder
