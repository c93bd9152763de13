#include "tensor/simd.h"

#include <cstdlib>
#include <string_view>

#include "tensor/error.h"

#ifdef SUNDER_SIMD_CLONES

#include <fcntl.h>
#include <sys/syscall.h>

// The loader asks each kernel's resolver, made by GCC, for the clone to use. A resolver calls libgcc's
// __cpu_indicator_init and looks into __cpu_features2. The linker leads that call to the function here (--wrap in
// CMakeLists.txt), which takes the higher levels out. All this happens before there is a C library to call or an
// environment: it reads /proc by system calls of its own.
extern "C" {
extern unsigned int __cpu_features2[] __attribute__((visibility("hidden")));
int __real___cpu_indicator_init() __attribute__((weak));
int __wrap___cpu_indicator_init();
}

namespace {

constexpr int longest_choice = 15;
struct Choice {
  char text[longest_choice + 1] = {};
};

long system_call(long number, long a, long b, long c) {
  long result = 0;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

Choice read_choice() {
  static const char path[] = "/proc/self/environ", name[] = "SUNDER_SIMD=";
  constexpr int name_length = sizeof name - 1, of_another = -1;
  Choice choice;
  const long file = system_call(SYS_open, reinterpret_cast<long>(path), O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return choice;
  char buffer[1024];
  int matched = 0, length = 0;  // of this variable's name; of the value
  bool found = false;
  while (!found) {
    const long count = system_call(SYS_read, file, reinterpret_cast<long>(buffer), sizeof buffer);
    if (count <= 0) break;
    for (long i = 0; i < count && !found; ++i) {
      const char c = buffer[i];
      if (c == '\0') found = matched == name_length, matched = 0;
      else if (matched == name_length) choice.text[length] = c, length += length < longest_choice - 1;
      else if (matched != of_another) matched = c == name[matched] ? matched + 1 : of_another;
    }
  }
  system_call(SYS_close, file, 0, 0);
  return choice;
}

bool equal(const char* a, const char* b) {
  for (; *a == *b; ++a, ++b)
    if (*a == '\0') return true;
  return false;
}

bool has_v3() {
  asm volatile("" ::: "memory");
  return __builtin_cpu_supports("x86-64-v3");
}
bool has_v4() {
  asm volatile("" ::: "memory");
  return __builtin_cpu_supports("x86-64-v4");
}

// Clears the one bit that `has` looks at, wherever GCC keeps it.
void take_out(bool (*has)()) {
  volatile unsigned int* word = __cpu_features2;
  for (; has(); ++word)
    for (unsigned int bit = 1; bit != 0 && has(); bit <<= 1) {
      const unsigned int before = *word;
      *word = before & ~bit;
      if (has()) *word = before;
    }
}

}  // namespace

int __wrap___cpu_indicator_init() {
  static bool done = false;
  const int result = __real___cpu_indicator_init();
  if (done) return result;
  done = true;
  const Choice choice = read_choice();
  const bool baseline = equal(choice.text, "baseline");
  if (baseline || equal(choice.text, "avx2")) take_out(has_v4);
  if (baseline) take_out(has_v3);
  return result;
}

#endif

namespace sunder {

const char* simd_level() {
#ifdef SUNDER_SIMD_CLONES
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "avx512";
  if (__builtin_cpu_supports("x86-64-v3")) return "avx2";
#endif
  return "baseline";
}

void check_simd_choice() {
  const char* choice = std::getenv("SUNDER_SIMD");
  if (!choice || !*choice || std::string_view(choice) == simd_level()) return;
  throw_error<UsageError>(
      "SUNDER_SIMD: expected baseline, avx2 or avx512, at most what processor and build have ({}), got '{}'",
      simd_level(), choice);
}

bool cpu_has_avx2() {
#ifdef __x86_64__
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

// x86-64-v4's parts of it.
bool cpu_has_avx512() {
#ifdef __x86_64__
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

}  // namespace sunder
