// The OpenBLAS that is on this machine, for blas.cpp.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace sunder::blas {

// CBLAS's calling convention (netlib.org/blas/cblas.h).
template <class T>
using Gemm = void(int, int, int, int, int, int, T, const T*, int, const T*, int, T, T*, int);

// OpenBLAS takes a buffer for each call that runs at a time and keeps it. Where the system gives it none, it asks again
// for ever. So a call waits here until there is one, and new ones are made only when the system was seen to have the
// room.
class Buffers {
 public:
  // OpenBLAS's own functions to take a buffer and give it back; null where a build hides them: then nothing waits.
  Buffers(void* (*take)(int), void (*give)(void*)) : take_(take), give_(give) {}

  // Makes OpenBLAS take `count` buffers at once. Throws OutOfThreadMemory.
  void make(int count);
  void acquire();
  void release();

 private:
  bool take_free();
  bool add_one();

  void* (*take_)(int);
  void (*give_)(void*);
  std::atomic<int> free_ = 0, waiting_ = 0;
  std::mutex mutex_;
  std::condition_variable released_;
  std::set<void*> known_;
};

struct OpenBlas {
  Gemm<float>* sgemm;
  Gemm<double>* dgemm;
  std::string core;  // the family of its kernels, e.g. "SkylakeX"
  std::unique_ptr<Buffers> buffers;
};

// Loads it with the first call, and its buffers for as many threads as ops use. Throws OutOfThreadMemory where they do
// not fit under the limit on address space, UsageError for a SUNDER_OPENBLAS_CORE that it or the machine does not have,
// Error where there is no OpenBLAS.
const OpenBlas& openblas();

}  // namespace sunder::blas
