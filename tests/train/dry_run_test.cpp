#include "train/dry_run.h"

#include <gtest/gtest.h>

namespace sunder {
namespace {

// Two epochs of MixPIT at 50 steps of 0.5 s, three of MixCycle at 100 steps of 1 s, and a validation of 7 s every
// second epoch: 50 + 300 + 14 s.
const Rehearsal rehearsal{.phases = {{"mixpit", 0.5, 50, 2}, {"mixcycle", 1, 100, 3}},
                          .validation_seconds = 7,
                          .validation_items = 40,
                          .memory_mib = 512.4,
                          .checkpoint_bytes = 3000000};

Config limits(int64_t epochs, double minutes, int64_t every_epochs) {
  Config config;
  config.train.max_epochs = epochs;
  config.train.max_minutes = minutes;
  config.validation.every_epochs = every_epochs;
  return config;
}

TEST(DryRun, AddsUpWhatARunNeeds) {
  EXPECT_EQ(describe(rehearsal, limits(5, 0, 2), 21900000000),
            "| dry run | |\n| --- | --- |\n"
            "| mixpit: a step | 0.5 s |\n"
            "| mixpit: an epoch of 50 steps | 00:25 |\n"
            "| mixcycle: a step | 1 s |\n"
            "| mixcycle: an epoch of 100 steps | 01:40 |\n"
            "| a validation of 40 items | 00:07 |\n"
            "| the run | 06:04 for 5 epochs |\n"
            "| memory | 512 MiB |\n"
            "| a checkpoint | 3.0 MB |\n"
            "| disk | 12.0 MB for 4 checkpoints, 21.9 GB free |\n");
}

TEST(DryRun, TheLimitThatComesFirstEndsTheRun) {
  const auto of_run = [](int64_t epochs, double minutes) {
    const std::string table = describe(rehearsal, limits(epochs, minutes, 0), 1);
    const size_t begin = table.find("| the run | ") + 12;
    return table.substr(begin, table.find(" |", begin) - begin);
  };
  EXPECT_EQ(of_run(5, 60), "05:50 for 5 epochs");
  EXPECT_EQ(of_run(5, 2), "02:00: train.max_minutes");
  EXPECT_EQ(of_run(0, 90), "1:30:00: train.max_minutes");
  EXPECT_EQ(of_run(0, 0), "until its patience ends: no limit of epochs or minutes");
}

}  // namespace
}  // namespace sunder
