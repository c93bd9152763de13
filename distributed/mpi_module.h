/* What Sunder calls of MPI, as a module of its own that is loaded when mpirun or srun started the program: so programs
   need no MPI where there is none, and a cluster builds this one file against its own. */
#pragma once

#include <stddef.h>

extern "C" {

// Each returns null, or what MPI said.
struct SunderMpi {
  int version;  // sunder_mpi_version
  const char* (*start)(int* rank, int* size);
  const char* (*name)();                             // of the MPI
  const char* (*broadcast)(void* bytes, int count);  // from rank 0
  // Sends to one rank while it receives from another. While it waits, `go_on` is asked, and 0 gives up: the memory must
  // then stay as long as the process.
  const char* (*exchange)(int to, const void* sent, size_t sent_bytes, int from, void* received, size_t received_bytes,
                          int (*go_on)(void* context), void* context);
  const char* (*finish)();
};

const struct SunderMpi* sunder_mpi();  // the module's one function
}

inline constexpr int sunder_mpi_version = 1;
