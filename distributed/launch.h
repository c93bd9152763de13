// Which of a run's processes this is, as the launcher says in the environment.
#pragma once

#include <cstdlib>
#include <functional>
#include <string>

namespace sunder {

struct Launch {
  std::string launcher{};  // "torchrun", "mpirun" or "srun"; empty: the process was started alone
  int rank = 0, size = 1;
  int local_rank = 0;     // among the processes of this machine
  std::string address{};  // MASTER_ADDR, where rank 0 can be reached; empty: not said
  int port = 0;           // the port there
};

// The value of an environment variable, null where it is not set.
using Variables = std::function<const char*(const char* name)>;

// Reads RANK, WORLD_SIZE and LOCAL_RANK (torchrun), OMPI_COMM_WORLD_... or PMI_... (mpirun), or SLURM_PROCID with
// SLURM_STEP_NUM_TASKS (srun; a batch script itself has no such variable), the first of these that are there: a
// launcher may run inside another. An empty variable counts as not set. MASTER_ADDR and MASTER_PORT go together, and
// torchrun's processes need them; where torchrun itself listens there (TORCHELASTIC_USE_AGENT_STORE) the port is the
// next one. Throws UsageError that names the variable which is missing or is no such number.
Launch find_launch(const Variables& variables = [](const char* name) -> const char* { return std::getenv(name); });

}  // namespace sunder
