// Threads on the CPU. Kernels are serial functions over a range; this header distributes ranges over threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>

namespace sunder {

// How many threads ops use (OpenMP); 0 restores the default, one per core.
void set_num_threads(int count);
int num_threads();
// Makes the calling thread run ops single-threaded from now on: a thread that prepares data during training starts no
// OpenMP team of its own.
void work_alone();

// Runs task(begin, end) over [0, count) in chunks of `grain`, the last one shorter. Chunk borders depend on count and
// grain alone, so partial sums per chunk (number begin / grain) give the same bits with any number of threads.
template <class Task>
void parallel_for(int64_t count, int64_t grain, const Task& task) {
  grain = std::max<int64_t>(grain, 1);
  const int64_t chunks = (count + grain - 1) / grain;
  if (chunks <= 1 || num_threads() == 1) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) task(chunk * grain, std::min(count, (chunk + 1) * grain));
    return;
  }
  std::exception_ptr failure;  // an exception must not leave the parallel region: the first one is thrown after it
#pragma omp parallel for schedule(static) num_threads(num_threads())
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    try {
      task(chunk * grain, std::min(count, (chunk + 1) * grain));
    } catch (...) {
#pragma omp critical(sunder_parallel_for)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace sunder
