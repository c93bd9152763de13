#include "tensor/simd.h"

namespace sunder {

const char* simd_level() {
#ifdef SUNDER_SIMD_CLONES
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "avx512";
  if (__builtin_cpu_supports("x86-64-v3")) return "avx2";
#endif
  return "baseline";
}

}  // namespace sunder
