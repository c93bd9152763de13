// Threads on the CPU. Kernels are serial functions over a range; this header distributes ranges over threads.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sunder {

// How many threads ops use; 0 restores the default, usable_cpus() (cpu_count.h).
void set_num_threads(int count);
int num_threads();  // 1 inside a loop
int team_size();    // num_threads() outside of all loops
// Makes the calling thread run ops single-threaded from now on: a thread that prepares data during training takes no
// others.
void work_alone();
// The same as long as the object lives.
class WorkAlone {
 public:
  WorkAlone();
  ~WorkAlone();
  WorkAlone(const WorkAlone&) = delete;
  WorkAlone& operator=(const WorkAlone&) = delete;

 private:
  bool before_;
};

// A loop over chunks [begin, end), whose state `context` is.
using ChunkLoop = void (*)(const void* context, int64_t begin, int64_t end);

// Runs `loop` over [0, chunks) in pieces, on the calling thread and on others that come to help. Rethrows what the
// lowest chunk threw of those that failed; chunks that had not begun by then are left out.
void run_parallel(int64_t chunks, ChunkLoop loop, const void* context);

// Runs task(begin, end) over [0, count) in chunks of `grain`, the last one shorter. Chunk borders depend on count and
// grain alone, so partial sums per chunk (number begin / grain) give the same bits with any number of threads.
template <class Task>
void parallel_for(int64_t count, int64_t grain, const Task& task) {
  grain = std::max<int64_t>(grain, 1);
  const auto loop = [&](int64_t first, int64_t last) {
    for (int64_t chunk = first; chunk < last; ++chunk) task(chunk * grain, std::min(count, (chunk + 1) * grain));
  };
  const int64_t chunks = (count + grain - 1) / grain;
  if (chunks <= 1 || num_threads() == 1) return loop(0, chunks);
  run_parallel(
      chunks,
      [](const void* context, int64_t first, int64_t last) { (*static_cast<decltype(&loop)>(context))(first, last); },
      &loop);
}

}  // namespace sunder
