// Runs a target without libFuzzer: over every seed of a folder and over so many mutations of them, the same on every
// machine. What breaks is written to finding-<target>, and `fuzz_<target> FILE` runs it alone.
//
//   fuzz_<target> FOLDER MUTATIONS | fuzz_<target> FILE
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <random>
#include <vector>

#include "contract.h"
#include "tests/fuzz/mutation.h"

using sunder::Bytes;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" __attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t*, size_t, size_t, unsigned);
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// A report ends in abort, so that the input is kept; more than 1 GB at once is a report.
extern "C" const char* __asan_default_options() { return "abort_on_error=1:max_allocation_size_mb=1024"; }
extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }

namespace {

constexpr size_t largest_input = 1 << 16;

Bytes input;
std::vector<Bytes> seeds;
std::mt19937_64 random_bits;
char finding[256];

// Async-signal-safe.
void keep_input(int number) {
  const int file = ::open(finding, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  const bool kept = file >= 0 && ::write(file, input.data(), input.size()) == static_cast<ssize_t>(input.size());
  for (const char* part : {number == SIGALRM ? "the reader hangs; " : "", kept ? "the input is in " : "cannot write ",
                           static_cast<const char*>(finding), "\n"})
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

void watch() {
  std::vector<int> signals = {SIGABRT, SIGALRM};
#ifndef SUNDER_SANITIZED  // sanitizers report these themselves, and need their address space
  signals.insert(signals.end(), {SIGSEGV, SIGBUS, SIGFPE, SIGILL});
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t most = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (rlim_t{1} << 30);
  const rlimit limit{most, most};
  SUNDER_PROMISE(::setrlimit(RLIMIT_AS, &limit) == 0);
#endif
  for (const int number : signals) std::signal(number, keep_input);
}

void run_input() {
  ::alarm(60);
  // A copy of exactly this size, so that a sanitizer sees the first byte read behind it.
  const Bytes copy(input.begin(), input.end());
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
  ::alarm(0);
}

Bytes read_whole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int replay(const std::filesystem::path& folder, size_t mutations) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    input = read_whole(path);
    run_input();
    if (!input.empty()) seeds.push_back(input);
  }
  if (seeds.empty()) return std::fprintf(stderr, "%s holds no seeds\n", folder.c_str()), 1;
  for (size_t i = 0; i < mutations; ++i) {
    random_bits.seed(i);
    input = seeds[random_bits() % seeds.size()];
    const size_t size = input.size();
    input.resize(largest_input);
    input.resize(LLVMFuzzerCustomMutator ? LLVMFuzzerCustomMutator(input.data(), size, input.size(), i)
                                         : LLVMFuzzerMutate(input.data(), size, input.size()));
    run_input();
  }
  std::printf("%zu seeds and %zu mutations of them\n", paths.size(), mutations);
  return 0;
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size) {
  Bytes bytes(data, data + size);
  sunder::mutate(bytes, seeds, random_bits);
  size = std::min(bytes.size(), max_size);
  std::copy_n(bytes.begin(), size, data);
  return size;
}

int main(int count, char** arguments) {
  if (count < 2 || count > 3) return std::fprintf(stderr, "usage: %s FOLDER MUTATIONS | FILE\n", arguments[0]), 2;
  const std::string target = std::filesystem::path(arguments[0]).filename().string();
  std::snprintf(finding, sizeof finding, "finding-%s", target.c_str());
  watch();
  if (count == 3) return replay(arguments[1], std::strtoull(arguments[2], nullptr, 10));
  input = read_whole(arguments[1]);
  run_input();
  return 0;
}
