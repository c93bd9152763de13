// The threads behind parallel_for (parallel.h). OpenMP's wait for one another by spinning, for as long as environment
// variables say when the program starts: on a machine with other work, a loop then lasts until the last of them was
// given time. Here nothing waits for a thread that has not begun: the caller does the work of those that do not come,
// and all spin for a bounded time, giving way to other threads, before they sleep.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sunder {

using ChunkLoop = void (*)(const void* context, int64_t begin, int64_t end);

class ThreadTeam {
 public:
  // `at_start` runs in each new thread.
  explicit ThreadTeam(std::function<void()> at_start) : at_start_(std::move(at_start)) {}
  ~ThreadTeam() = default;  // only without threads
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  // Runs `loop` over [0, chunks) on the caller and up to threads - 1 others: fewer where the system gives no more
  // threads; none while another thread's loop runs. Rethrows what the lowest of the failing chunks threw.
  void run(int threads, int64_t chunks, ChunkLoop loop, const void* context);
  // Waits for a loop that runs, ends all threads and frees all memory; the next loop starts new ones.
  void stop();

 private:
  // Each member of the team begins with a range of its own, so that consecutive loops over the same rows find them in
  // its cache, and then helps with the others'.
  struct alignas(64) Range {
    std::atomic<int64_t> next = 0;
    int64_t end = 0;
  };
  struct Job {
    ChunkLoop loop = nullptr;
    const void* context = nullptr;
    int members = 0;
    int64_t piece = 1;  // chunks that are taken at a time
  };

  int grow(int threads);
  void begin(int members, int64_t chunks, ChunkLoop loop, const void* context);
  void end();
  void work(int member);
  void run_piece(int64_t first, int64_t last);
  void serve(int member, uint32_t seen);
  bool enter(uint32_t number);
  void leave();

  std::function<void()> at_start_;
  std::mutex mutex_;  // of the caller whose job it is
  std::vector<std::thread> threads_;
  bool full_ = false;  // the system gave no more
  std::vector<std::unique_ptr<Range>> ranges_;
  Job job_;

  // The job's number (upper half), whether it may be entered, and how many threads are in it; `job_` changes only
  // while none is. Then the number alone, which threads sleep on, and that of the job that the last one has left.
  alignas(64) std::atomic<uint64_t> state_ = 0;
  alignas(64) std::atomic<uint32_t> published_ = 0;
  alignas(64) std::atomic<uint32_t> left_ = 0;

  std::atomic<bool> stopping_ = false;
  std::atomic<bool> failed_ = false;
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  int64_t failed_chunk_ = 0;
};

}  // namespace sunder
