#include "tensor/cpu_count.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

namespace sunder {
namespace {

namespace fs = std::filesystem;

class CgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "sunder-cgroup-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const fs::path& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  double cpus(const std::string& groups) const { return cgroup_cpus(groups, root_); }

  fs::path root_;
};

TEST_F(CgroupTest, Version2) {
  EXPECT_EQ(cpus("0::/a/b\n"), INFINITY);
  write("a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(cpus("0::/a/b\n"), INFINITY);
  write("a/b/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpus("0::/a/b\n"), 1.5);
  EXPECT_EQ(cpus("0::/a/c\n"), INFINITY);
  write("a/cpu.max", "50000 100000\n");  // the group around it has less
  EXPECT_EQ(cpus("0::/a/b\n"), 0.5);
  write("cpu.max", "400000 100000\n");  // all that a container sees of its own
  EXPECT_EQ(cpus("0::/\n"), 4);
  EXPECT_EQ(cpus("0::/../../elsewhere\n"), 4);
}

TEST_F(CgroupTest, Version1) {
  const std::string groups = "5:devices:/x\n4:cpu,cpuacct:/docker/0123\n3:cpuset:/docker/0123\n0::/\n";
  EXPECT_EQ(cpus(groups), INFINITY);
  write("cpu,cpuacct/docker/0123/cpu.cfs_quota_us", "-1\n");
  write("cpu,cpuacct/docker/0123/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(groups), INFINITY);
  write("cpu,cpuacct/docker/0123/cpu.cfs_quota_us", "250000\n");
  EXPECT_EQ(cpus(groups), 2.5);
  write("cpu/cpu.cfs_quota_us", "200000\n");  // a container's mount shows its group as the root
  write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(groups), 2);
  EXPECT_EQ(cpus("1:cpu:/docker/0123\n"), 2);
}

TEST_F(CgroupTest, DamagedTextSetsNoLimit) {
  for (const char* text : {"", "max", "100000", "0 100000", "100000 0", "-5 100000", "many of them", "\0\xff"}) {
    write("cpu.max", text);
    EXPECT_EQ(cpus("0::/\n"), INFINITY) << text;
  }
  write("cpu.max", "100000 100000");
  for (const char* groups : {"", "\n", ":", "0:", "0:cpu", "x", "::::"}) cpus(groups);
}

TEST(UsableCpus, AreThoseThatTheProcessIsBoundTo) {
  const int all = usable_cpus();
  EXPECT_GE(all, 1);
  EXPECT_LE(all, static_cast<int>(sysconf(_SC_NPROCESSORS_CONF)));
  const pid_t child = fork();
  if (child == 0) {
    cpu_set_t set, one;
    CPU_ZERO(&one);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) _exit(2);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &set)) ++cpu;
    CPU_SET(cpu, &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) _exit(2);
    _exit(usable_cpus() == 1 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace sunder
