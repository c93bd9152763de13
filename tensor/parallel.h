// Threads on the CPU. Kernels are serial functions over a range; this header distributes ranges over threads.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sunder {

// How many threads ops use; 0 restores the default, usable_cpus() (cpu_count.h).
void set_num_threads(int count);
int num_threads();  // of the calling thread's ops; 1 inside a loop
int team_size();    // the same without any limit
// Makes the calling thread run ops single-threaded from now on: a thread that prepares data during training takes no
// others.
void work_alone();
// As long as the object lives, ops of the calling thread use at most `threads` threads, itself included.
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int before_;
};
// Ends the threads that help, when no loop runs. A later loop starts new ones.
void stop_threads();

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
