#include "tensor/parallel.h"

#include <omp.h>

namespace sunder {
namespace {
int requested = 0;
thread_local bool alone = false;
}  // namespace

void set_num_threads(int count) { requested = count; }
void work_alone() { alone = true; }

// 1 inside a parallel region: ops called from a worker do not nest.
int num_threads() {
  if (alone || omp_in_parallel()) return 1;
  return requested > 0 ? requested : omp_get_num_procs();
}

}  // namespace sunder
