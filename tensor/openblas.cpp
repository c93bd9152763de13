#include "tensor/openblas.h"

#include <dlfcn.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "tensor/blas.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder::blas {
namespace {

constexpr size_t mib = size_t{1} << 20;
// BUFFER_SIZE of OpenBLAS 0.3 on x86-64 is 128 MiB; the rest is for what else is allocated at the time.
constexpr size_t buffer_bytes = 136 * mib, library_bytes = 64 * mib;

bool fits(size_t bytes) {
  void* room = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return false;
  ::munmap(room, bytes);
  return true;
}

[[noreturn]] void no_room(size_t bytes, int threads) {
  std::string where = "the system has not";
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const size_t used = pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    where = fmt::format("the limit on address space (ulimit -v) leaves {} MiB of {}, not",
                        limit.rlim_cur > used ? (limit.rlim_cur - used) / mib : 0, limit.rlim_cur / mib);
  }
  throw OutOfThreadMemory(
      fmt::format("out of memory: {} the {} MiB that OpenBLAS takes for {} threads", where, bytes / mib, threads),
      bytes);
}

// OpenBLAS reads its environment while it is loaded: variables are as wanted for so long.
class Variable {
 public:
  Variable(const char* name, const char* wanted) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(wanted);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) const {
    if (value) ::setenv(name_, value, /*overwrite=*/1);
    else ::unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> before_;
};

constexpr const char* core_switch = "SUNDER_OPENBLAS_CORE";

// Shared machines often set OPENBLAS_CORETYPE to an old processor for all programs (on a Zen 5, Haswell's kernels run
// at half the speed of SkylakeX's); its own detection does not know what is newer than itself.
const char* wanted_core() {
  if (const char* chosen = std::getenv(core_switch); chosen && *chosen) return chosen;
  return cpu_has_avx512() ? "SkylakeX" : nullptr;
}

// It does not ask whether the processor has what a core needs.
void check_core(const char* core) {
  for (const char* name : {"SkylakeX", "Cooperlake", "SapphireRapids"})
    if (::strcasecmp(core, name) == 0 && !cpu_has_avx512())
      throw_error<UsageError>("{}: {} needs AVX-512, which this processor does not have", core_switch, core);
  for (const char* name : {"Haswell", "Zen", "Excavator"})
    if (::strcasecmp(core, name) == 0 && !cpu_has_avx2())
      throw_error<UsageError>("{}: {} needs AVX2, which this processor does not have", core_switch, core);
}

OpenBlas load() {
  const int threads = team_size();
  const size_t bytes = library_bytes + static_cast<size_t>(threads) * buffer_bytes;
  if (!fits(bytes)) no_room(bytes, threads);
  const char* wanted = wanted_core();
  if (wanted) check_core(wanted);
  const Variable core("OPENBLAS_CORETYPE", wanted), alone("OPENBLAS_NUM_THREADS", "1");
  void* handle = ::dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!handle) throw_error("OpenBLAS cannot be loaded ({}): install libopenblas0-pthread", ::dlerror());
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
    return function != nullptr;
  };
  OpenBlas library{};
  char* (*core_name)() = nullptr;
  void (*set_num_threads_of_it)(int) = nullptr;
  if (!find(library.sgemm, "cblas_sgemm") || !find(library.dgemm, "cblas_dgemm") ||
      !find(core_name, "openblas_get_corename") || !find(set_num_threads_of_it, "openblas_set_num_threads"))
    throw_error("libopenblas.so.0 is not OpenBLAS: install libopenblas0-pthread");
  set_num_threads_of_it(1);
  library.core = core_name();
  if (wanted && std::getenv(core_switch) && ::strcasecmp(wanted, library.core.c_str()) != 0)
    throw_error<UsageError>("{}: expected a core of OpenBLAS, such as Haswell, Zen or SkylakeX, got '{}'", core_switch,
                            wanted);
  void* (*take)(int) = nullptr;
  void (*give)(void*) = nullptr;
  const bool both = find(take, "blas_memory_alloc") && find(give, "blas_memory_free");
  library.buffers = std::make_unique<Buffers>(both ? take : nullptr, both ? give : nullptr);
  library.buffers->make(threads);
  return library;
}

}  // namespace

void Buffers::make(int count) {
  if (!take_) {
    free_ = std::numeric_limits<int>::max() / 2;
    return;
  }
  std::vector<void*> taken;
  while (static_cast<int>(taken.size()) < count && fits(buffer_bytes)) taken.push_back(take_(0));
  for (void* buffer : taken) give_(buffer);
  if (static_cast<int>(taken.size()) < count) no_room(buffer_bytes, count);
  known_.insert(taken.begin(), taken.end());
  free_ = count;
}

bool Buffers::take_free() {
  int count = free_;
  while (count > 0)
    if (free_.compare_exchange_weak(count, count - 1)) return true;
  return false;
}

void Buffers::acquire() {
  if (take_free()) return;
  std::unique_lock lock(mutex_);
  ++waiting_;
  while (!take_free() && !add_one()) released_.wait(lock);
  --waiting_;
}

void Buffers::release() {
  ++free_;
  if (waiting_ == 0) return;
  const std::lock_guard lock(mutex_);
  released_.notify_one();
}

// For more calls at a time than there are buffers: a program that uses the library with threads of its own. False where
// there is no room, and where the buffer is that of a call which has just ended and is about to release it.
bool Buffers::add_one() {
  if (!fits(buffer_bytes)) return false;
  void* buffer = take_(0);
  give_(buffer);
  return known_.insert(buffer).second;
}

const OpenBlas& openblas() {
  static const OpenBlas loaded = load();
  return loaded;
}

}  // namespace sunder::blas
