// What kernels use: their place in the grid, barriers, warp operations, shared memory and atomics. Every wait carries
// its place in the source, so that a failure names it and threads that wait at two different barriers are found.
#pragma once

#include <atomic>
#include <bit>
#include <concepts>
#include <cstring>
#include <source_location>

#include "emulated/types.h"

namespace sunder::emulator {

using Site = std::source_location;

// Where the emulated thread that runs now stands; each host thread runs a block of its own.
struct Here {
  uint3 thread{}, block{};
  dim3 block_size, grid_size;
};
extern constinit thread_local Here here;

// Waits for all threads of the block; returns how many of them brought a true predicate.
int barrier(bool predicate, Site site);
int threads_in_block();
// Waits for the lanes of `mask`, then returns the value that lane `source` of this warp brought.
uint64_t exchange(unsigned mask, uint64_t value, int source, Site site);
unsigned ballot(unsigned mask, bool predicate, Site site);
unsigned active_lanes();
int lane();

// The block's variable named by `key`; the same memory for all threads of the block.
void* static_shared(const void* key, size_t bytes, size_t alignment);
void* dynamic_shared();
[[noreturn]] void fail_in_kernel(const char* what, Site site);

template <class T>
__forceinline__ T shuffle(unsigned mask, T value, int source, Site site) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = exchange(mask, bits, source, site);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

// The types that CUDA's atomics and shuffles take.
template <class T, class... Types>
concept one_of = (std::same_as<T, Types> || ...);
template <class T>
concept shuffled = one_of<T, int, unsigned, long, unsigned long, long long, unsigned long long, float, double>;
template <class T>
concept atomic_integer = one_of<T, int, unsigned, unsigned long long>;

template <class T, class F>
__forceinline__ T update(T* address, F&& next) {
  std::atomic_ref<T> cell(*address);
  T old = cell.load();
  while (!cell.compare_exchange_weak(old, next(old))) {
  }
  return old;
}

}  // namespace sunder::emulator

#define threadIdx (::sunder::emulator::here.thread)
#define blockIdx (::sunder::emulator::here.block)
#define blockDim (::sunder::emulator::here.block_size)
#define gridDim (::sunder::emulator::here.grid_size)
inline constexpr int warpSize = 32;

inline void __syncthreads(sunder::emulator::Site site = sunder::emulator::Site::current()) {
  sunder::emulator::barrier(false, site);
}
inline int __syncthreads_count(int predicate, sunder::emulator::Site site = sunder::emulator::Site::current()) {
  return sunder::emulator::barrier(predicate != 0, site);
}
inline int __syncthreads_or(int predicate, sunder::emulator::Site site = sunder::emulator::Site::current()) {
  return sunder::emulator::barrier(predicate != 0, site) > 0;
}
inline int __syncthreads_and(int predicate, sunder::emulator::Site site = sunder::emulator::Site::current()) {
  return sunder::emulator::barrier(predicate != 0, site) == sunder::emulator::threads_in_block();
}
inline void __syncwarp(unsigned mask = ~0u, sunder::emulator::Site site = sunder::emulator::Site::current()) {
  sunder::emulator::ballot(mask, false, site);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              sunder::emulator::Site site = sunder::emulator::Site::current()) {
  return sunder::emulator::ballot(mask, predicate != 0, site);
}
inline int __any_sync(unsigned mask, int predicate, sunder::emulator::Site site = sunder::emulator::Site::current()) {
  return sunder::emulator::ballot(mask, predicate != 0, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate, sunder::emulator::Site site = sunder::emulator::Site::current()) {
  return sunder::emulator::ballot(mask, predicate == 0, site) == 0;
}
inline unsigned __activemask() { return sunder::emulator::active_lanes(); }

// Shuffles, as in the CUDA C++ programming guide ("Warp Shuffle Functions"): a source outside the segment of `width`
// lanes stands for the lane itself; only plain __shfl_sync wraps around.
template <sunder::emulator::shuffled T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              sunder::emulator::Site site = sunder::emulator::Site::current()) {
  const int lane = sunder::emulator::lane();
  return sunder::emulator::shuffle(mask, value, (lane & ~(width - 1)) | (source & (width - 1)), site);
}
template <sunder::emulator::shuffled T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 sunder::emulator::Site site = sunder::emulator::Site::current()) {
  const int lane = sunder::emulator::lane(), place = lane & (width - 1);
  const int source = static_cast<int>(delta) <= place ? lane - static_cast<int>(delta) : lane;
  return sunder::emulator::shuffle(mask, value, source, site);
}
template <sunder::emulator::shuffled T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   sunder::emulator::Site site = sunder::emulator::Site::current()) {
  const int lane = sunder::emulator::lane(), place = lane & (width - 1);
  const int source = place + static_cast<int>(delta) < width ? lane + static_cast<int>(delta) : lane;
  return sunder::emulator::shuffle(mask, value, source, site);
}
template <sunder::emulator::shuffled T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32,
                  sunder::emulator::Site site = sunder::emulator::Site::current()) {
  const int lane = sunder::emulator::lane(), source = lane ^ bits;
  return sunder::emulator::shuffle(mask, value, source < (lane & ~(width - 1)) + width ? source : lane, site);
}

inline void __threadfence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
inline void __threadfence_block() { std::atomic_thread_fence(std::memory_order_seq_cst); }
inline void __trap(sunder::emulator::Site site = sunder::emulator::Site::current()) {
  sunder::emulator::fail_in_kernel("__trap()", site);
}

template <class T>
requires sunder::emulator::one_of<T, int, unsigned, unsigned long long, float, double> T
atomicAdd(T* address, std::type_identity_t<T> value) {
  return sunder::emulator::update(address, [&](T old) { return old + value; });
}
template <class T>
requires sunder::emulator::one_of<T, int, unsigned, long long, unsigned long long> T
atomicMax(T* address, std::type_identity_t<T> value) {
  return sunder::emulator::update(address, [&](T old) { return old < value ? value : old; });
}
template <class T>
requires sunder::emulator::one_of<T, int, unsigned, long long, unsigned long long> T
atomicMin(T* address, std::type_identity_t<T> value) {
  return sunder::emulator::update(address, [&](T old) { return value < old ? value : old; });
}
template <sunder::emulator::atomic_integer T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return sunder::emulator::update(address, [&](T old) { return old | value; });
}
template <class T>
requires sunder::emulator::one_of<T, int, unsigned, unsigned long long, float> T
atomicExch(T* address, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*address).exchange(value);
}
template <sunder::emulator::atomic_integer T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  std::atomic_ref<T>(*address).compare_exchange_strong(expected, value);
  return expected;
}

// Cached, streaming and evict-first accesses are plain ones here.
template <class T>
T __ldg(const T* address) {
  return *address;
}
template <class T>
T __ldcs(const T* address) {
  return *address;
}
template <class T>
void __stcs(T* address, std::type_identity_t<T> value) {
  *address = value;
}
