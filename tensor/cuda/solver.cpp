#include "tensor/cuda/solver.h"

#include <cusolverDn.h>

#include <algorithm>
#include <list>
#include <mutex>

#include "tensor/cuda/device_scope.h"

namespace sunder::cuda::solver {
namespace {

class Handle {
 public:
  explicit Handle(Stream stream) : stream_(stream) {
    const DeviceScope scope(stream.device);
    SUNDER_CUDA_CHECK(cusolverDnCreate(&handle_));
    if (const auto status = cusolverDnSetStream(handle_, static_cast<cudaStream_t>(stream.handle));
        status != CUSOLVER_STATUS_SUCCESS) {
      static_cast<void>(cusolverDnDestroy(handle_));
      SUNDER_CUDA_CHECK(status);
    }
  }
  ~Handle() { static_cast<void>(cusolverDnDestroy(handle_)); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Stream stream() const { return stream_; }
  cusolverDnHandle_t get() const { return handle_; }

 private:
  Stream stream_;
  cusolverDnHandle_t handle_ = nullptr;
};

// As many as there are streams that solved something: a process has a few.
struct Handles {
  std::mutex mutex;
  std::list<Handle> list;
};
Handles& handles() {
  static Handles* const all = new Handles;  // never destroyed: the driver may be gone when static objects are
  return *all;
}

cusolverDnHandle_t handle_of(Stream stream) {
  const std::lock_guard lock(handles().mutex);
  for (const Handle& handle : handles().list)
    if (handle.stream() == stream) return handle.get();
  return handles().list.emplace_front(stream).get();
}

// cuSOLVER takes tables of pointers that it does not change, without saying so.
cuDoubleComplex** table(complex128* const* pointers) {
  return reinterpret_cast<cuDoubleComplex**>(const_cast<complex128**>(pointers));
}

constexpr int64_t most = 65535;  // matrices a call, in case they are layers of a grid

}  // namespace

void factorise(Stream stream, int64_t size, complex128* const* matrices, int* info, int64_t count) {
  const int n = static_cast<int>(size);
  for (int64_t first = 0; first < count; first += most)
    SUNDER_CUDA_CHECK(cusolverDnZpotrfBatched(handle_of(stream), CUBLAS_FILL_MODE_LOWER, n, table(matrices + first), n,
                                              info + first, static_cast<int>(std::min(most, count - first))));
}

void solve(Stream stream, int64_t size, complex128* const* factors, complex128* const* vectors, int* info,
           int64_t count) {
  const int n = static_cast<int>(size);
  for (int64_t first = 0; first < count; first += most)
    SUNDER_CUDA_CHECK(cusolverDnZpotrsBatched(handle_of(stream), CUBLAS_FILL_MODE_LOWER, n, 1, table(factors + first),
                                              n, table(vectors + first), n, info,
                                              static_cast<int>(std::min(most, count - first))));
}

void forget(Stream stream) {
  const std::lock_guard lock(handles().mutex);
  handles().list.remove_if([&](const Handle& handle) { return handle.stream() == stream; });
}

}  // namespace sunder::cuda::solver
