// SUNDER_SIMD before a serial CPU kernel compiles it three times: for x86-64-v2, for AVX2 and for AVX-512; the loader
// picks one when the program starts (under AddressSanitizer once only, to build faster). Helpers called in the loop
// must be inlined (SUNDER_INLINE) to be compiled with it. The clones name feature levels: "arch=haswell" would be
// picked on that very model alone, and never on AMD. The environment variable SUNDER_SIMD picks a lower level: results
// then have the bits of a machine that has no other.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define SUNDER_SIMD_CLONES
#define SUNDER_SIMD __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), noinline))
#else
#define SUNDER_SIMD
#endif
#define SUNDER_INLINE inline __attribute__((always_inline))

namespace sunder {

// "avx512", "avx2" or "baseline": what SUNDER_SIMD kernels run as.
const char* simd_level();
// Throws UsageError if the variable SUNDER_SIMD names no level, or one that this processor or build does not have.
void check_simd_choice();

// What the processor has, whatever the variable says.
bool cpu_has_avx2();
bool cpu_has_avx512();

}  // namespace sunder
