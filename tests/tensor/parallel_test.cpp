#include "tensor/parallel.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace sunder {
namespace {

#if defined(__SANITIZE_THREAD__)
#define SUNDER_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SUNDER_THREAD_SANITIZER
#endif
#endif

// Every index once, in chunks whose borders do not depend on the threads.
void expect_whole(int64_t count, int64_t grain) {
  std::vector<std::atomic<int>> seen(count);
  std::atomic<int64_t> chunks = 0;
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    EXPECT_EQ(begin % grain, 0);
    EXPECT_EQ(end, std::min(count, begin + grain));
    for (int64_t i = begin; i < end; ++i) ++seen[i];
    ++chunks;
  });
  EXPECT_EQ(chunks, (count + grain - 1) / grain);
  for (int64_t i = 0; i < count; ++i) ASSERT_EQ(seen[i], 1) << i << " of " << count;
}

class ParallelFor : public testing::Test {
 protected:
  void TearDown() override { set_num_threads(0); }
};

TEST_F(ParallelFor, CoversEveryIndexOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    for (const int64_t count : {0, 1, 2, 7, 8, 9, 1000})
      for (const int64_t grain : {1, 3, 64}) expect_whole(count, grain);
  }
}

TEST_F(ParallelFor, ManyShortLoopsInARow) {
  set_num_threads(3);
  int64_t sum = 0;
  for (int64_t i = 0; i < 20'000; ++i) {
    std::atomic<int64_t> part = 0;
    parallel_for(6, 1, [&](int64_t begin, int64_t) { part += begin + i; });
    sum += part;
  }
  EXPECT_EQ(sum, 20'000LL * 15 + 6 * (20'000LL * 19'999 / 2));
}

TEST_F(ParallelFor, OtherThreadsHelp) {
  set_num_threads(3);
  std::set<std::thread::id> threads;
  std::mutex mutex;
  // Where the machine is busy the others may come late.
  for (int attempt = 0; attempt < 1000 && threads.size() < 3; ++attempt)
    parallel_for(30, 1, [&](int64_t, int64_t) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
  EXPECT_EQ(threads.size(), 3u);
}

TEST_F(ParallelFor, LoopsInLoopsRunOnTheirOwnThread) {
  set_num_threads(3);
  parallel_for(8, 1, [&](int64_t, int64_t) {
    EXPECT_EQ(num_threads(), 1);
    EXPECT_EQ(team_size(), 3);
    const std::thread::id outer = std::this_thread::get_id();
    parallel_for(8, 1, [&](int64_t, int64_t) { EXPECT_EQ(std::this_thread::get_id(), outer); });
  });
  EXPECT_EQ(num_threads(), 3);
}

TEST_F(ParallelFor, AFailureIsThrownAfterTheLoopAndTheNextLoopIsWhole) {
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    for (int round = 0; round < 50; ++round) {
      EXPECT_THROW(parallel_for(100, 1,
                                [&](int64_t begin, int64_t) {
                                  if (begin % 30 == 17) throw std::runtime_error("chunk");
                                }),
                   std::runtime_error);
      EXPECT_EQ(num_threads(), threads);
    }
    expect_whole(1000, 7);
  }
}

TEST_F(ParallelFor, SeveralThreadsMayCallAtATime) {
  set_num_threads(3);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([] {
      for (int i = 0; i < 300; ++i) expect_whole(100, 7);
    });
  for (std::thread& caller : callers) caller.join();
}

TEST_F(ParallelFor, WorkAloneIsOfOneThread) {
  set_num_threads(3);
  std::thread([] {
    work_alone();
    EXPECT_EQ(num_threads(), 1);
    expect_whole(100, 7);
  }).join();
  EXPECT_EQ(num_threads(), 3);
}

TEST_F(ParallelFor, ALimitIsOfItsThreadAndOfItsTime) {
  set_num_threads(4);
  {
    const ThreadLimit two(2);
    EXPECT_EQ(num_threads(), 2);
    EXPECT_EQ(team_size(), 4);
    {
      const ThreadLimit more(3);
      EXPECT_EQ(num_threads(), 2);
    }
    std::thread([] { EXPECT_EQ(num_threads(), 4); }).join();
    expect_whole(100, 7);
  }
  EXPECT_EQ(num_threads(), 4);
}

int64_t threads_of_process() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

TEST_F(ParallelFor, ThreadsEndAndStartAgain) {
  stop_threads();
  const int64_t before = threads_of_process();
  set_num_threads(4);
  for (int i = 0; i < 20; ++i) {
    expect_whole(1000, 7);
    EXPECT_GT(threads_of_process(), before);
    stop_threads();
    EXPECT_EQ(threads_of_process(), before);
  }
  stop_threads();
}

int in_child(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    ::alarm(60);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool sums_right() {
  std::atomic<int64_t> sum = 0;
  parallel_for(1000, 1, [&](int64_t begin, int64_t) { sum += begin; });
  return sum == 499'500;
}

TEST_F(ParallelFor, WorksInAChildProcess) {
#ifdef SUNDER_THREAD_SANITIZER
  GTEST_SKIP() << "ThreadSanitizer allows no threads after fork()";
#endif
  set_num_threads(3);
  EXPECT_TRUE(sums_right());
  EXPECT_EQ(in_child(sums_right), 0);
}

// Where a limit allows no thread, the caller does the work.
TEST_F(ParallelFor, WorksWhereTheSystemGivesNoThreads) {
#if defined(SUNDER_THREAD_SANITIZER) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "sanitizers take address space without limit";
#endif
  EXPECT_EQ(in_child([] {
              std::ifstream statm("/proc/self/statm");
              rlim_t pages = 0;
              statm >> pages;
              const rlim_t bytes = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (1 << 20);
              const rlimit limit{bytes, bytes};
              if (::setrlimit(RLIMIT_AS, &limit) != 0) return false;
              set_num_threads(4);
              return sums_right();
            }),
            0);
}

// A machine with other work, at its worst: two threads on one CPU. A thread that spins until the other has come keeps
// it away for whole time slices, of milliseconds, in each of these loops.
TEST_F(ParallelFor, TwoThreadsOnOneCpuAreNotMuchSlowerThanOne) {
#ifdef SUNDER_THREAD_SANITIZER
  GTEST_SKIP() << "ThreadSanitizer allows no threads after fork()";
#endif
  EXPECT_EQ(in_child([] {
              cpu_set_t all, one;
              CPU_ZERO(&one);
              if (::sched_getaffinity(0, sizeof all, &all) != 0) return false;
              int cpu = 0;
              while (!CPU_ISSET(cpu, &all)) ++cpu;
              CPU_SET(cpu, &one);
              if (::sched_setaffinity(0, sizeof one, &one) != 0) return false;
              std::vector<double> x(64 * 256);
              const auto seconds = [&](int threads) {
                set_num_threads(threads);
                const auto begin = std::chrono::steady_clock::now();
                for (int loop = 0; loop < 2000; ++loop)
                  parallel_for(64, 1, [&](int64_t row, int64_t) {
                    for (int i = 0; i < 256; ++i) x[row * 256 + i] = x[row * 256 + i] * 0.5 + 1;
                  });
                return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
              };
              double alone = 1e9, together = 1e9;  // the best of some: other programs run, too
              for (int round = 0; round < 5; ++round) {
                alone = std::min(alone, seconds(1));
                together = std::min(together, seconds(2));
              }
              std::printf("%.1f us a loop alone, %.1f us with two threads\n", alone / 2000 * 1e6,
                          together / 2000 * 1e6);
              std::fflush(stdout);
              return together < 10 * alone;
            }),
            0);
}

}  // namespace
}  // namespace sunder
