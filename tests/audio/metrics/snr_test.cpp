#include "audio/metrics/snr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tensor/error.h"

namespace sunder {
namespace {

using Signal = std::vector<double>;

TEST(Snr, IsTheRatioOfTheReferenceToTheError) {
  EXPECT_NEAR(*snr(Signal{1, 2, 2}, Signal{1, 2, 1}).value, 10 * std::log10(9), 1e-12);
  EXPECT_NEAR(*snr(Signal{3, -4}, Signal{0, 0.5}).value, 10 * std::log10(25 / 29.25), 1e-12) << "below 0 dB";
  Signal reference, estimate;
  for (int t = 0; t < 1001; ++t) {  // more than one vector register, and a rest
    reference.push_back(1 + 0.01 * t);
    estimate.push_back(reference.back() + (t % 2 == 0 ? 0.1 : -0.1));
  }
  double energy = 0;
  for (const double x : reference) energy += x * x;
  EXPECT_NEAR(*snr(reference, estimate).value, 10 * std::log10(energy / 10.01), 1e-10);
}

TEST(Snr, CountsTheLevelAndTheMean) {
  EXPECT_NEAR(*snr(Signal{1, -1, 1, -1}, Signal{2, -2, 2, -2}).value, 0, 1e-12) << "twice as loud: all error";
  EXPECT_NEAR(*snr(Signal{1, -1, 1, -1}, Signal{1.1, -0.9, 1.1, -0.9}).value, 20, 1e-9) << "an offset is noise";
}

TEST(Snr, HasEndsButIsNeverNaN) {
  EXPECT_EQ(*snr(Signal{1, 2, 3}, Signal{1, 2, 3}).value, INFINITY);
  EXPECT_EQ(*snr(Signal{1, 2, 3}, Signal{0, 0, 0}).value, 0) << "the error of a silent estimate is the reference";
  for (const Signal& estimate : {Signal{1, 2}, Signal{0, 0}}) {
    const Score score = snr(Signal{0, 0}, estimate);
    EXPECT_EQ(score.value, std::nullopt);
    EXPECT_STREQ(score.missing, "the reference is silent");
  }
}

TEST(Snr, RejectsWhatCannotBeScored) {
  EXPECT_THROW(snr(Signal{1, 2}, Signal{1}), Error);
  EXPECT_THROW(snr(Signal{1, NAN}, Signal{1, 2}), Error);
  EXPECT_THROW(snr(Signal{1, 2}, Signal{1, INFINITY}), Error);
}

}  // namespace
}  // namespace sunder
