#include "train/diagnosis.h"

#include <gtest/gtest.h>

namespace sunder {
namespace {

// Scores of validations of real runs, or near them.
ValidationScores scores(double si_snri, double in_order, double by_bin, double weaker, double like_mixture) {
  ValidationScores result;
  result.si_snri = si_snri;
  result.bins_in_order = in_order;
  result.si_snri_by_bin = by_bin;
  result.weaker_to_stronger_db = weaker;
  result.sources_weaker_db = -4;
  result.like_mixture_db = like_mixture;
  return result;
}

TEST(Diagnosis, EveryStateIsFound) {
  EXPECT_EQ(diagnose(scores(0.1, 0.6, 0.2, -0.1, 28)).state, "copying");
  EXPECT_EQ(diagnose(scores(-2.5, 0.6, -1, -22, 1)).state, "one silent");
  EXPECT_EQ(diagnose(scores(2.3, 0.7, 5.2, -5, 2)).state, "bins split");
  EXPECT_EQ(diagnose(scores(6.2, 0.95, 6.6, -5, 0)).state, "separating");
  EXPECT_EQ(diagnose(scores(6.2, 0.7, 9, -5, 0)).state, "bins split") << "most is still to be gained";
  EXPECT_EQ(diagnose(scores(-0.5, 0.6, 0.3, -5, 0)).state, "unclear");
}

// In sparse segments the sources themselves are far apart.
TEST(Diagnosis, ASilentOutputIsOneBesideSourcesThatAreNot) {
  ValidationScores quiet = scores(5, 0.95, 5.2, -16, 0);
  EXPECT_EQ(diagnose(quiet).state, "one silent");
  quiet.sources_weaker_db = -13;
  EXPECT_EQ(diagnose(quiet).state, "separating");
}

TEST(Diagnosis, WithoutCleanSourcesItSaysWhatItCannotSee) {
  ValidationScores blind;
  blind.weaker_to_stronger_db = -16;
  EXPECT_EQ(diagnose(blind).state, "one silent");
  EXPECT_NE(diagnose(blind).sentence.find("16 dB below the other"), std::string::npos);
  blind.weaker_to_stronger_db = -6;
  EXPECT_EQ(diagnose(blind).state, "unclear");
  EXPECT_NE(diagnose(blind).sentence.find("only clean sources show"), std::string::npos);
  blind.like_mixture_db = 20;
  EXPECT_EQ(diagnose(blind).sentence, "the outputs copy the mixture (each 20 dB like it)");
}

TEST(Diagnosis, TheSentenceHasTheNumbers) {
  EXPECT_EQ(
      diagnose(scores(2.3, 0.704, 5.25, -5, 2)).sentence,
      "the bins are split: speakers change outputs between bands (70 % of the bins in order, 5.25 dB with the best "
      "order in every bin)");
  EXPECT_EQ(diagnose(scores(-2.5, 0.6, -1, -22, 1)).sentence,
            "one output is nearly silent, 22 dB below the other where the clean sources are 4 dB apart");
}

}  // namespace
}  // namespace sunder
