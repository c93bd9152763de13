#include "tensor/cuda/solver.h"

#include <cusolverDn.h>

#include <algorithm>
#include <mutex>

#include "tensor/cuda/device_scope.h"
#include "tensor/cuda/recently_used.h"

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

  Stream key() const { return stream_; }
  operator cusolverDnHandle_t() const { return handle_; }  // NOLINT: stands for it in every call

  bool captured = false;

 private:
  Stream stream_;
  cusolverDnHandle_t handle_ = nullptr;
};

RecentlyUsed<Handle>& handles() {
  static auto* const all = new RecentlyUsed<Handle>(handle_limit);  // never destroyed, as the driver may go first
  return *all;
}

// Calls f(handle, first, count) for as many matrices at a time as may be layers of a grid.
template <class F>
void in_pieces(Stream stream, int64_t count, const F& f) {
  constexpr int64_t most = 65535;
  const std::lock_guard lock(handles().mutex());
  Handle& handle = handles().get(stream);
  handle.captured = handle.captured || is_capturing(stream);
  for (int64_t first = 0; first < count; first += most)
    f(handle, first, static_cast<int>(std::min(most, count - first)));
}

// cuSOLVER takes tables of pointers that it does not change, without saying so.
cuDoubleComplex** table(complex128* const* pointers) {
  return reinterpret_cast<cuDoubleComplex**>(const_cast<complex128**>(pointers));
}

}  // namespace

void factorise(Stream stream, int64_t size, complex128* const* matrices, int* info, int64_t count) {
  const int n = static_cast<int>(size);
  in_pieces(stream, count, [&](cusolverDnHandle_t handle, int64_t first, int piece) {
    SUNDER_CUDA_CHECK(
        cusolverDnZpotrfBatched(handle, CUBLAS_FILL_MODE_LOWER, n, table(matrices + first), n, info + first, piece));
  });
}

void solve(Stream stream, int64_t size, complex128* const* factors, complex128* const* vectors, int* info,
           int64_t count) {
  const int n = static_cast<int>(size);
  in_pieces(stream, count, [&](cusolverDnHandle_t handle, int64_t first, int piece) {
    SUNDER_CUDA_CHECK(cusolverDnZpotrsBatched(handle, CUBLAS_FILL_MODE_LOWER, n, 1, table(factors + first), n,
                                              table(vectors + first), n, info, piece));
  });
}

void forget(Stream stream) {
  const std::lock_guard lock(handles().mutex());
  handles().forget([&](Stream of) { return of == stream; });
}

}  // namespace sunder::cuda::solver
