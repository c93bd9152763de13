// deploy/: what systemd and containers are given for sunder-serve.
#include <sstream>

#include "tests/install/installed_tree.h"

namespace sunder {
namespace {

class Deploy : public InstalledTree {};

TEST_F(Deploy, SystemdUnderstandsTheUnit) {
  if (run_program("", {}, {.shell = "command -v systemd-analyze"}).code != 0) GTEST_SKIP() << "no systemd-analyze";
  // Of the unit's program only the place is not there.
  EXPECT_EQ(shell("sed 's#^ExecStart=/opt/sunder/bin/sunder-serve$#ExecStart=/bin/true#' "
                  "\"$SOURCE/deploy/sunder-serve.service\" >sunder-serve.service; grep -c ^ExecStart=/bin/true "
                  "sunder-serve.service; SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "
                  "\"$PWD/sunder-serve.service\" 2>&1"),
            "1\n");
}

TEST_F(Deploy, EveryOptionIsAFlagOfTheProgram) {
  const std::string program = program_folder + "/sunder-serve";
  if (!std::filesystem::exists(program)) GTEST_SKIP() << "this build has no sunder-serve";
  const std::string help = run_program("sunder-serve", {"--help"}).out;
  std::istringstream flags(
      shell("cd \"$SOURCE/deploy\"; { sed -n 's/^#\\{0,1\\}SUNDER_\\([A-Z_]*\\)=.*/--\\1/p' serve.env; "
            "sed -n 's/^CMD //p' Containerfile | grep -o -- '--[a-z-]*'; } | tr A-Z_ a-z-"));
  int count = 0;
  for (std::string flag; flags >> flag; ++count) EXPECT_NE(help.find(flag), std::string::npos) << flag;
  EXPECT_GT(count, 8);
}

}  // namespace
}  // namespace sunder
