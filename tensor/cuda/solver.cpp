#include "tensor/cuda/solver.h"

#include <cusolverDn.h>

#include <algorithm>
#include <mutex>

#include "tensor/cuda/stream_handle.h"

namespace sunder::cuda::solver {
namespace {

struct Library {
  using Handle = cusolverDnHandle_t;
  static void create(Handle* handle) { SUNDER_CUDA_CHECK(cusolverDnCreate(handle)); }
  static void set_up(Handle handle, Stream stream) { SUNDER_CUDA_CHECK(cusolverDnSetStream(handle, native(stream))); }
  static void destroy(Handle handle) { static_cast<void>(cusolverDnDestroy(handle)); }
};
using Handle = StreamHandle<Library>;

RecentlyUsed<Handle>& handles() {
  static auto* const all = new RecentlyUsed<Handle>(handle_limit);  // never destroyed, as the driver may go first
  return *all;
}

// Calls f(handle, first, count) for pieces of at most 65,535 matrices, the largest z of a grid.
template <class F>
void in_pieces(Stream stream, int64_t count, const F& f) {
  constexpr int64_t most = 65535;
  const DeviceScope scope(stream.device);
  const std::lock_guard lock(handles().mutex());
  const Handle& handle = handles().use(stream);
  for (int64_t first = 0; first < count; first += most)
    f(handle, first, static_cast<int>(std::min(most, count - first)));
}

// cuSOLVER does not change the tables of pointers, although its parameters are not const.
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
