#include "train/decay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "train/state.h"

namespace sunder {
namespace {

TEST(Decay, FallsOverTheLastShareOfTheSteps) {
  Decay decay({.decay = "linear", .decay_share = 0.25}, 8, 0);
  std::vector<double> factors;
  for (int64_t step = 0; step < 8; ++step) factors.push_back(decay.factor(step, 0));
  EXPECT_EQ(factors, (std::vector<double>{1, 1, 1, 1, 1, 1, 1, 0.5}));
  EXPECT_FALSE(decay.is_over(8)) << "the epochs end the run";
}

TEST(Decay, FollowsACosine) {
  Decay decay({.decay = "cosine", .decay_share = 0.5}, 100, 0);
  for (const int64_t step : {50, 60, 75, 99})
    EXPECT_DOUBLE_EQ(decay.factor(step, 0),
                     0.5 * (1 + std::cos(std::numbers::pi * static_cast<double>(step - 50) / 50)));
  EXPECT_DOUBLE_EQ(decay.factor(75, 0), 0.5);
}

TEST(Decay, NoneIsNone) {
  Decay decay({}, 10, 10);
  EXPECT_EQ(decay.factor(9, 9.9), 1);
  EXPECT_FALSE(decay.is_over(20));
}

// Ten steps a minute for eight minutes: the last two take twenty steps.
TEST(Decay, TakesTheStepsThatThePaceForesees) {
  Decay decay({.decay = "linear", .decay_share = 0.2}, 0, 10);
  EXPECT_EQ(decay.factor(79, 7.9), 1);
  EXPECT_EQ(decay.factor(80, 8), 1);
  EXPECT_DOUBLE_EQ(decay.factor(90, 8.5), 0.5) << "by steps, whatever the clock says";
  EXPECT_DOUBLE_EQ(decay.factor(90, 9.9), 0.5);
  EXPECT_FALSE(decay.is_over(99));
  EXPECT_TRUE(decay.is_over(100));
  EXPECT_EQ(decay.factor(110, 9.5), 0);
}

TEST(Decay, TheLimitThatComesFirstDecides) {
  Decay by_steps({.decay = "linear", .decay_share = 0.2}, 100, 1000), by_minutes = by_steps;
  by_steps.factor(80, 10);
  EXPECT_DOUBLE_EQ(by_steps.factor(90, 11), 0.5);
  by_minutes.factor(20, 800);
  EXPECT_DOUBLE_EQ(by_minutes.factor(24, 990), 0.2);
}

TEST(Decay, ItsStateGoesOnAtTheSameSteps) {
  Decay decay({.decay = "linear", .decay_share = 0.2}, 0, 10);
  decay.factor(80, 8);
  State state;
  save_state(decay.state(), state);
  Decay resumed({.decay = "linear", .decay_share = 0.2}, 0, 10);
  load_state(resumed.state(), state, "state");
  EXPECT_DOUBLE_EQ(resumed.factor(90, 9.9), 0.5);
  // More minutes: there is no decay yet, and it is planned anew.
  Decay longer({.decay = "linear", .decay_share = 0.2}, 0, 20);
  load_state(longer.state(), state, "state");
  EXPECT_EQ(longer.factor(90, 9.9), 1);
  EXPECT_EQ(longer.factor(160, 16), 1);
  EXPECT_DOUBLE_EQ(longer.factor(180, 17), 0.5);
  // Checkpoints from before there was a decay.
  Decay old({.decay = "linear", .decay_share = 0.2}, 100, 0);
  load_state(old.state(), {}, "state");
  EXPECT_DOUBLE_EQ(old.factor(90, 0), 1) << "it begins with the first step in its share";
}

}  // namespace
}  // namespace sunder
