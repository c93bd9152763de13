#include "train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tensor/error.h"
#include "train/state.h"

namespace sunder {
namespace {

TEST(Schedule, FallsOverTheLastShareOfTheSteps) {
  Schedule decay({.decay = "linear", .decay_share = 0.25}, 8, 0);
  std::vector<double> factors;
  for (int64_t step = 0; step < 8; ++step) factors.push_back(decay.factor(step, 0));
  EXPECT_EQ(factors, (std::vector<double>{1, 1, 1, 1, 1, 1, 1, 0.5}));
  EXPECT_FALSE(decay.is_over(8)) << "the epochs end the run";
}

TEST(Schedule, FollowsACosine) {
  Schedule decay({.decay = "cosine", .decay_share = 0.5}, 100, 0);
  for (const int64_t step : {50, 60, 75, 99})
    EXPECT_DOUBLE_EQ(decay.factor(step, 0),
                     0.5 * (1 + std::cos(std::numbers::pi * static_cast<double>(step - 50) / 50)));
  EXPECT_DOUBLE_EQ(decay.factor(75, 0), 0.5);
}

TEST(Schedule, NoneIsNone) {
  Schedule decay({}, 10, 10);
  EXPECT_EQ(decay.factor(9, 9.9), 1);
  EXPECT_FALSE(decay.is_over(20));
}

// Ten steps a minute for eight minutes: the last two take twenty steps.
TEST(Schedule, TakesTheStepsThatThePaceForesees) {
  Schedule decay({.decay = "linear", .decay_share = 0.2}, 0, 10);
  EXPECT_EQ(decay.factor(79, 7.9), 1);
  EXPECT_EQ(decay.factor(80, 8), 1);
  EXPECT_DOUBLE_EQ(decay.factor(90, 8.5), 0.5) << "by steps, whatever the clock says";
  EXPECT_DOUBLE_EQ(decay.factor(90, 9.9), 0.5);
  EXPECT_FALSE(decay.is_over(99));
  EXPECT_TRUE(decay.is_over(100));
  EXPECT_EQ(decay.factor(110, 9.5), 0);
}

TEST(Schedule, TheLimitThatComesFirstDecides) {
  Schedule by_steps({.decay = "linear", .decay_share = 0.2}, 100, 1000), by_minutes = by_steps;
  by_steps.factor(80, 10);
  EXPECT_DOUBLE_EQ(by_steps.factor(90, 11), 0.5);
  by_minutes.factor(20, 800);
  EXPECT_DOUBLE_EQ(by_minutes.factor(24, 990), 0.2);
}

TEST(Schedule, ItsStateGoesOnAtTheSameSteps) {
  Schedule decay({.decay = "linear", .decay_share = 0.2}, 0, 10);
  decay.factor(80, 8);
  State state;
  save_state(decay.state(), state);
  Schedule resumed({.decay = "linear", .decay_share = 0.2}, 0, 10);
  load_state(resumed.state(), state, "state");
  EXPECT_DOUBLE_EQ(resumed.factor(90, 9.9), 0.5);
  // More minutes: there is no decay yet, and it is planned anew.
  Schedule longer({.decay = "linear", .decay_share = 0.2}, 0, 20);
  load_state(longer.state(), state, "state");
  EXPECT_EQ(longer.factor(90, 9.9), 1);
  EXPECT_EQ(longer.factor(160, 16), 1);
  EXPECT_DOUBLE_EQ(longer.factor(180, 17), 0.5);
  // Checkpoints from before there was a decay.
  Schedule old({.decay = "linear", .decay_share = 0.2}, 100, 0);
  load_state(old.state(), {}, "state");
  EXPECT_DOUBLE_EQ(old.factor(90, 0), 1) << "it begins with the first step in its share";
}

TEST(Schedule, WarmsUpLinearly) {
  Schedule schedule({.warmup_steps = 4}, 100, 0);
  std::vector<double> factors;
  for (int64_t step = 0; step < 6; ++step) factors.push_back(schedule.factor(step, 0));
  EXPECT_EQ(factors, (std::vector<double>{0.25, 0.5, 0.75, 1, 1, 1}));
}

TEST(Schedule, FallsAsACosineFromTheWarmUpOn) {
  Schedule schedule({.warmup_steps = 10, .decay = "cosine", .decay_share = 1}, 110, 0);
  EXPECT_DOUBLE_EQ(schedule.factor(4, 0), 0.5);
  EXPECT_DOUBLE_EQ(schedule.factor(9, 0), 1);
  EXPECT_DOUBLE_EQ(schedule.factor(10, 0), 1);
  EXPECT_DOUBLE_EQ(schedule.factor(60, 0), 0.5);
  EXPECT_DOUBLE_EQ(schedule.factor(85, 0), 0.5 * (1 + std::cos(std::numbers::pi * 0.75)));
  // Also from the beginning.
  Schedule whole({.decay = "cosine", .decay_share = 1}, 100, 0);
  EXPECT_DOUBLE_EQ(whole.factor(0, 0), 1);
  EXPECT_DOUBLE_EQ(whole.factor(50, 0), 0.5);
}

TEST(Schedule, AWarmUpIsShorterThanTheRun) {
  EXPECT_NO_THROW(Schedule({.warmup_steps = 99}, 100, 0));
  EXPECT_NO_THROW(Schedule({.warmup_steps = 100}, 0, 5));
  EXPECT_THROW(Schedule({.warmup_steps = 100}, 100, 0), UsageError);
}

// OneCycleLR(max_lr=1, total_steps=20): the rise ends at step 0.3 * 20 - 1 = 5.
TEST(Schedule, OneCycleRisesAndFalls) {
  Schedule schedule({.decay = "one-cycle"}, 20, 0);
  EXPECT_NEAR(schedule.factor(0, 0), 0.04, 1e-15);
  EXPECT_NEAR(schedule.factor(1, 0), 0.04 + 0.96 * 0.5 * (1 - std::cos(std::numbers::pi / 5)), 1e-15);
  EXPECT_DOUBLE_EQ(schedule.factor(5, 0), 1);
  EXPECT_DOUBLE_EQ(schedule.factor(12, 0), 0.5 * (1 + 4e-6));
  EXPECT_NEAR(schedule.factor(19, 0), 4e-6, 1e-18);
  EXPECT_FALSE(schedule.is_over(20)) << "the epochs end the run";
  EXPECT_NEAR(schedule.factor(20, 0), 4e-6, 1e-18) << "where the last epoch has more steps than foreseen";
  for (const int64_t steps : {1, 2, 3, 4, 7})
    for (int64_t step = 0; step < steps; ++step) {
      const double factor = one_cycle(step, steps);
      EXPECT_TRUE(factor > 0 && factor <= 1) << factor << " at " << step << " of " << steps;
    }
}

}  // namespace
}  // namespace sunder
