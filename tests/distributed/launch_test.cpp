#include "distributed/launch.h"

#include <gtest/gtest.h>

#include <map>

#include "tensor/error.h"

namespace sunder {
namespace {

using Environment = std::map<std::string, std::string>;

Launch launch_of(const Environment& environment) {
  return find_launch([&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal_of(const Environment& environment) {
  try {
    launch_of(environment);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(LaunchTest, AProcessAloneIsRankZeroOfOne) {
  for (const Environment& environment : {Environment{},
                                         {{"MASTER_ADDR", "there"}},
                                         {{"RANK", ""}, {"WORLD_SIZE", ""}},
                                         {{"RANK", "0"}, {"WORLD_SIZE", "1"}},
                                         // A batch script itself, whose job has more tasks.
                                         {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"SLURM_LOCALID", "0"}}}) {
    const Launch launch = launch_of(environment);
    EXPECT_EQ(launch.rank, 0);
    EXPECT_EQ(launch.size, 1);
  }
}

TEST(LaunchTest, EveryLaunchersVariablesAreRead) {
  const Environment torchrun = {
      {"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}, {"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29500"}};
  const Launch launch = launch_of(torchrun);
  EXPECT_EQ(launch.launcher, "torchrun");
  EXPECT_EQ(launch.rank, 5);
  EXPECT_EQ(launch.size, 8);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_EQ(launch.address, "node1");
  EXPECT_EQ(launch.port, 29500);
  Environment agent = torchrun;
  agent["TORCHELASTIC_USE_AGENT_STORE"] = "True";
  EXPECT_EQ(launch_of(agent).port, 29501) << "torchrun itself listens at the other";

  const Environment slurm = {{"SLURM_PROCID", "3"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_LOCALID", "3"}};
  EXPECT_EQ(launch_of(slurm).launcher, "srun");
  EXPECT_EQ(launch_of(slurm).rank, 3);
  EXPECT_EQ(launch_of(slurm).size, 4);
  EXPECT_EQ(launch_of({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}).launcher, "mpirun");
  Environment inner = slurm;  // mpirun within a job step
  inner.insert({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "1"}});
  EXPECT_EQ(launch_of(inner).launcher, "mpirun");
  EXPECT_EQ(launch_of(inner).size, 2);
  inner.insert(torchrun.begin(), torchrun.end());
  EXPECT_EQ(launch_of(inner).launcher, "torchrun");
}

TEST(LaunchTest, AVariableThatIsMissingOrNoNumberIsNamed) {
  EXPECT_EQ(refusal_of({{"RANK", "1"}}),
            "WORLD_SIZE is not set although RANK is 1: torchrun sets both; unset RANK to train with one process");
  EXPECT_EQ(refusal_of({{"WORLD_SIZE", "2"}}),
            "RANK is not set although WORLD_SIZE is 2: torchrun sets both; unset WORLD_SIZE to train with one process");
  EXPECT_NE(refusal_of({{"OMPI_COMM_WORLD_SIZE", "2"}}).find("OMPI_COMM_WORLD_RANK is not set"), std::string::npos);
  EXPECT_NE(refusal_of({{"SLURM_STEP_NUM_TASKS", "2"}}).find("SLURM_PROCID is not set"), std::string::npos);
  EXPECT_EQ(refusal_of({{"RANK", "2"}, {"WORLD_SIZE", "2"}}), "RANK: expected less than WORLD_SIZE = 2, got 2");
  EXPECT_EQ(refusal_of({{"RANK", "x"}, {"WORLD_SIZE", "2"}}), "RANK: expected a whole number from 0 to 65535, got 'x'");
  EXPECT_EQ(refusal_of({{"RANK", "0"}, {"WORLD_SIZE", "2"}}),
            "MASTER_ADDR is not set: 2 processes need MASTER_ADDR and MASTER_PORT, where rank 0 listens");
  EXPECT_EQ(refusal_of({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}}),
            "MASTER_PORT is not set: 2 processes need MASTER_ADDR and MASTER_PORT, where rank 0 listens");
  EXPECT_EQ(refusal_of({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}, {"MASTER_PORT", "1000"}}),
            "MASTER_ADDR is not set: 2 processes need MASTER_ADDR and MASTER_PORT, where rank 0 listens");
  EXPECT_NE(refusal_of({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "70000"}})
                .find("MASTER_PORT: expected a whole number from 1 to 65535"),
            std::string::npos);
}

}  // namespace
}  // namespace sunder
