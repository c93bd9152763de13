// Keys of a configuration that contradict each other.
#include "train/setup.h"

#include <gtest/gtest.h>

#include "tensor/error.h"

namespace sunder {
namespace {

std::string refusal(const std::vector<std::string>& settings) {
  Config config;
  for (const std::string& setting : settings) set_config(config, setting, "test");
  try {
    check_config(config, find_method("pit"));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Setup, SchedulesThatContradictEachOtherAreRefused) {
  EXPECT_EQ(refusal({"optim.decay=one-cycle", "train.max_epochs=3"}), "");
  EXPECT_EQ(refusal({"optim.decay=cosine", "optim.decay_share=1", "optim.warmup_steps=5", "train.max_epochs=3"}), "");
  EXPECT_EQ(refusal({"optim.decay=cosine", "optim.decay_share=0.95", "train.max_minutes=3"}), "");
  EXPECT_EQ(refusal({"optim.decay=one-cycle", "train.max_minutes=3"}),
            "optim.decay: expected train.max_epochs for 'one-cycle', which spans the steps of the whole run");
  EXPECT_EQ(refusal({"optim.decay=one-cycle", "train.max_epochs=3", "optim.warmup_steps=7"}),
            "optim.warmup_steps: expected 0 with optim.decay = one-cycle, which rises by itself, got 7");
  EXPECT_EQ(refusal({"optim.decay=one-cycle", "train.max_epochs=3", "optim.plateau_patience=2"}),
            "optim.plateau_patience: expected 0 with optim.decay = one-cycle, whose rate no validation lowers, got 2");
  EXPECT_EQ(
      refusal({"optim.decay=cosine", "optim.decay_share=1", "train.max_minutes=3"}),
      "optim.decay_share: expected at most 0.95 where train.max_minutes alone ends the run (how many steps fit is "
      "known only after some of them), got 1");
}

}  // namespace
}  // namespace sunder
