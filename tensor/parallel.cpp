#include "tensor/parallel.h"

#include <omp.h>

namespace sunder {
namespace {
int requested = 0;
}

void set_num_threads(int count) { requested = count; }

// One inside a parallel region: ops called from a worker (a loader thread has its own OpenMP master) do not nest.
int num_threads() {
  if (omp_in_parallel()) return 1;
  return requested > 0 ? requested : omp_get_num_procs();
}

}  // namespace sunder
