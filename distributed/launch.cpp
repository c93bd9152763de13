#include "distributed/launch.h"

#include <charconv>
#include <optional>

#include "tensor/error.h"

namespace sunder {
namespace {

constexpr int most_ranks = 1 << 16, most_ports = 1 << 16;

struct Names {
  const char *launcher, *rank, *size, *local_rank;
  bool rank_alone = false;  // the rank is set elsewhere, too: it says nothing without the size
};
constexpr Names known[] = {
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK"},
    {"mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"mpirun", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
    {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", true},
};

class Reader {
 public:
  explicit Reader(const Variables& variables) : variables_(variables) {}

  std::string text(const char* name) const {
    const char* value = variables_(name);
    return value ? value : "";
  }
  // None where the variable is not set.
  std::optional<int> number(const char* name, int least, int most) const {
    const std::string value = text(name);
    if (value.empty()) return std::nullopt;
    int result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc() || end != value.data() + value.size() || result < least || result > most)
      throw_error<UsageError>("{}: expected a whole number from {} to {}, got '{}'", name, least, most, value);
    return result;
  }

 private:
  const Variables& variables_;
};

[[noreturn]] void miss(const char* missing, const char* given, const std::string& value, const char* launcher) {
  throw_error<UsageError>("{} is not set although {} is {}: {} sets both; unset {} to train with one process", missing,
                          given, value, launcher, given);
}

void read_meeting_point(const Reader& reader, Launch& launch) {
  launch.address = reader.text("MASTER_ADDR");
  launch.port = reader.number("MASTER_PORT", 1, most_ports - 1).value_or(0);
  const bool needed = launch.launcher == "torchrun", some = !launch.address.empty() || launch.port > 0;
  for (const auto& [name, is_set] :
       {std::pair("MASTER_ADDR", !launch.address.empty()), {"MASTER_PORT", launch.port > 0}})
    if ((needed || some) && !is_set)
      throw_error<UsageError>("{} is not set: {} processes need MASTER_ADDR and MASTER_PORT, where rank 0 listens",
                              name, launch.size);
  if (launch.port > 0 && reader.text("TORCHELASTIC_USE_AGENT_STORE") == "True")
    launch.port += launch.port + 1 < most_ports ? 1 : -1;
}

}  // namespace

Launch find_launch(const Variables& variables) {
  const Reader reader(variables);
  for (const Names& names : known) {
    const auto rank = reader.number(names.rank, 0, most_ranks - 1), size = reader.number(names.size, 1, most_ranks);
    if (!size && (!rank || names.rank_alone)) continue;
    if (!size) miss(names.size, names.rank, reader.text(names.rank), names.launcher);
    if (!rank) miss(names.rank, names.size, reader.text(names.size), names.launcher);
    if (*rank >= *size)
      throw_error<UsageError>("{}: expected less than {} = {}, got {}", names.rank, names.size, *size, *rank);
    Launch launch{names.launcher, *rank, *size, reader.number(names.local_rank, 0, most_ranks - 1).value_or(0)};
    if (launch.size > 1) read_meeting_point(reader, launch);
    return launch;
  }
  return {};
}

}  // namespace sunder
