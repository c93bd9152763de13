#include "train/collapse.h"

#include <gtest/gtest.h>

namespace sunder {
namespace {

TEST(Collapse, TheMonitorLooksSoonAfterTheSwitch) {
  std::vector<int64_t> looked;
  for (int64_t step = -3; step < 5000; ++step)
    if (CollapseMonitor::due(step)) looked.push_back(step);
  EXPECT_EQ(looked, (std::vector<int64_t>{32, 64, 128, 256, 512, 1024}));
}

// Levels of a run that fell from 2.6 dB of SI-SNRi to -27 dB: 2.4 dB before the switch, 14.9 dB after 100 steps.
TEST(Collapse, AFallSinceTheSwitchIsAWarningBeforeTheLevelIs) {
  CollapseMonitor monitor;
  EXPECT_EQ(monitor.warning(-14.9, true), "") << "nothing to compare it with";
  monitor.set_before(-2.4);
  const std::string warning = monitor.warning(-14.9, true);
  EXPECT_NE(warning.find("14.9 dB below the stronger, 2.4 dB before the switch"), std::string::npos) << warning;
  EXPECT_NE(warning.find("collapsing"), std::string::npos) << warning;
  EXPECT_EQ(monitor.warning(-14.9, false), "") << "in MixPIT's phase levels may change";
  EXPECT_EQ(monitor.warning(-5.2, true), "");
  EXPECT_EQ(monitor.warning(3, true), "");
  EXPECT_NE(monitor.warning(-26, false), "");
}

}  // namespace
}  // namespace sunder
