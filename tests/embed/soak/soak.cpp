// Clients of the C API on several threads: every result must be the reference's, and afterwards the process must have
// as many threads, descriptors and bytes as before.
//
//   soak THREADS CALLS [SEED]    CALLS of each thread
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <future>
#include <thread>

#include "tests/embed/soak/client.h"

namespace sunder::soak {
namespace {

// The heap's blocks in use are equal up to what the C library keeps for its threads. Pages lie between blocks that are
// in use: how many is chance.
constexpr int64_t heap_tolerance = 64 << 10, resident_tolerance = 8 << 20;

struct Process {
  int64_t threads, descriptors, heap, resident;  // the last two in bytes
};

int64_t entries(const char* folder) {
  const auto all = std::filesystem::directory_iterator(folder);
  return std::distance(begin(all), end(all));
}

Process process() {
  ::malloc_trim(0);
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  const struct mallinfo2 heap = ::mallinfo2();
  return {entries("/proc/self/task"), entries("/proc/self/fd"), static_cast<int64_t>(heap.uordblks + heap.hblkhd),
          pages * ::sysconf(_SC_PAGESIZE)};
}

// A thread that was joined is listed a moment longer.
Process process_of(int64_t threads) {
  for (int i = 0; i < 1000 && entries("/proc/self/task") > threads; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return process();
}

// Cancels what runs in one of the sessions, now and then.
void cancel_some(OpenSessions& sessions, const std::atomic<bool>& ended, uint64_t seed) {
  std::mt19937_64 random(seed);
  while (!ended) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (const SharedSession session = sessions.any(random)) sunder_cancel(session.get());
  }
}

std::map<std::string, int64_t> run(const std::vector<ModelFile>& files, int threads, int calls, uint64_t seed) {
  OpenSessions sessions;
  std::atomic<bool> ended = false;
  std::thread canceller([&] { cancel_some(sessions, ended, seed); });
  std::vector<std::future<std::map<std::string, int64_t>>> clients;
  for (int i = 0; i < threads; ++i)
    clients.push_back(std::async(std::launch::async, [&, i] {
      Client client(files, sessions, static_cast<size_t>(i), seed * 1000 + static_cast<uint64_t>(i));
      client.run(calls);
      return client.tally();
    }));
  for (const auto& client : clients) client.wait();
  ended = true;
  canceller.join();
  std::map<std::string, int64_t> tally;
  for (auto& client : clients)
    for (const auto& [kind, count] : client.get()) tally[kind] += count;
  return tally;
}

void print(const char* when, const Process& process) {
  fmt::print("{}: {} threads, {} descriptors, {} bytes of heap in use, {:.1f} MiB resident\n", when, process.threads,
             process.descriptors, process.heap, static_cast<double>(process.resident) / (1 << 20));
}

bool is_flat(const Process& before, const Process& after) {
  if (before.threads != after.threads || before.descriptors != after.descriptors) return false;
#ifdef SUNDER_SANITIZED  // the sanitizers' own allocators; AddressSanitizer looks for leaks
  return true;
#else
  return after.heap - before.heap <= heap_tolerance && after.resident - before.resident <= resident_tolerance;
#endif
}

int soak(int threads, int calls, uint64_t seed) {
  std::string folder = std::filesystem::temp_directory_path() / "sunder-soak-XXXXXX";
  if (!::mkdtemp(folder.data())) throw std::runtime_error("cannot make a folder in " + folder);
  const std::vector<ModelFile> files = make_models(folder);
  fmt::print("{} threads, {} calls each, seed {}\n", threads, calls, seed);
  run(files, threads, std::max(calls / 10, 20), seed + 1);
  const Process before = process_of(1);
  print("after a tenth", before);
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& [kind, count] : run(files, threads, calls, seed)) fmt::print("  {}: {}\n", kind, count);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const Process after = process_of(before.threads);
  print("at the end", after);
  fmt::print("{:.1f} s\n", seconds.count());
  std::filesystem::remove_all(folder);
  if (is_flat(before, after)) return 0;
  fmt::print(stderr, "soak: expected as many threads and descriptors, {} KiB more heap and {} MiB more pages at most\n",
             heap_tolerance >> 10, resident_tolerance >> 20);
  return 1;
}

}  // namespace
}  // namespace sunder::soak

int main(int count, char** arguments) {
  const auto number = [&](int i, uint64_t otherwise) {
    return i < count ? std::strtoull(arguments[i], nullptr, 10) : otherwise;
  };
  const auto threads = static_cast<int>(number(1, 0)), calls = static_cast<int>(number(2, 0));
  if (threads < 1 || calls < 1) return fmt::print(stderr, "usage: soak THREADS CALLS [SEED]\n"), 2;
  try {
    return sunder::soak::soak(threads, calls, number(3, 1));
  } catch (const std::exception& error) {
    fmt::print(stderr, "soak: {}\n", error.what());
    return 1;
  }
}
