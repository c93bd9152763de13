#include <cusolverDn.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>

#include "tests/emulator/device.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/handles.h"
#include "tests/emulator/memory.h"
#include "tests/emulator/stream.h"

struct cusolverDnContext {
  cudaStream_t stream = nullptr;
};

namespace sunder::emulator {
namespace {

using Complex = std::complex<double>;

struct Matrix {  // column major
  Complex* data;
  int n, leading;

  Complex& operator()(int row, int column) const { return data[static_cast<int64_t>(column) * leading + row]; }
  size_t bytes(int columns) const { return ((columns - 1) * static_cast<size_t>(leading) + n) * sizeof(Complex); }
};

// L of A = L L^H over the lower triangle. As LAPACK's zpotrf: 0, or which leading minor is not positive; what follows
// it is left as it was.
int factorise(const Matrix& a) {
  for (int j = 0; j < a.n; ++j) {
    for (int i = j; i < a.n; ++i)
      for (int k = 0; k < j; ++k) a(i, j) -= a(i, k) * std::conj(a(j, k));
    const double pivot = a(j, j).real();
    if (!(pivot > 0)) return j + 1;
    a(j, j) = std::sqrt(pivot);
    for (int i = j + 1; i < a.n; ++i) a(i, j) /= a(j, j).real();
  }
  return 0;
}

void solve(const Matrix& l, Complex* x) {
  for (int i = 0; i < l.n; ++i) {
    for (int k = 0; k < i; ++k) x[i] -= l(i, k) * x[k];
    x[i] /= l(i, i).real();
  }
  for (int i = l.n - 1; i >= 0; --i) {
    for (int k = i + 1; k < l.n; ++k) x[i] -= std::conj(l(k, i)) * x[k];
    x[i] /= l(i, i).real();
  }
}

// What a table of pointers names is opened when the call runs: only then it is known.
class Reachable {
 public:
  Reachable(int device, const char* name) : access_(device), name_(name) {}
  template <class T>
  T* open(T* begin, size_t bytes) {
    if (memory::find(begin).kind != memory::Kind::device)
      throw Failure(std::string(name_) + ": a table holds a pointer that is not device memory");
    access_.open(begin, bytes, name_);
    return begin;
  }
  void close() { access_.close(name_); }

 private:
  memory::Access access_;
  const char* name_;
};

cusolverStatus_t queue_call(cusolverDnHandle_t handle, const char* name, cublasFillMode_t triangle, int n, int lda,
                            int count, std::vector<Range> ranges, std::function<void(Reachable&)> run) {
  const std::lock_guard guard(lock());
  handles::check("cuSOLVER handle", handle);
  if (triangle != CUBLAS_FILL_MODE_LOWER || n < 0 || lda < std::max(1, n) || count < 0)
    return CUSOLVER_STATUS_INVALID_VALUE;
  if (n == 0 || count == 0) return CUSOLVER_STATUS_SUCCESS;
  const int device = current_device();
  const cudaError_t error = queue_library_call(handle->stream, name, std::move(ranges), [=] {
    Reachable reachable(device, name);
    run(reachable);
    reachable.close();
  });
  return remember(error) == cudaSuccess ? CUSOLVER_STATUS_SUCCESS : CUSOLVER_STATUS_EXECUTION_FAILED;
}

}  // namespace
}  // namespace sunder::emulator

using namespace sunder::emulator;

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle) {
  const std::lock_guard guard(lock());
  if (remember(state_of_device()) != cudaSuccess || refuse_in_capture() != cudaSuccess)
    return CUSOLVER_STATUS_NOT_INITIALIZED;
  *handle = new cusolverDnContext;
  handles::add("cuSOLVER handle", *handle);
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle) {
  const std::lock_guard guard(lock());
  handles::remove("cuSOLVER handle", handle);
  finish_device(current_device());
  delete handle;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream) {
  const std::lock_guard guard(lock());
  handles::check("cuSOLVER handle", handle);
  stream_of(stream);
  return handle->stream = stream, CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnZpotrfBatched(cusolverDnHandle_t handle, cublasFillMode_t triangle, int n,
                                         cuDoubleComplex* matrices[], int lda, int* infos, int count) {
  return queue_call(handle, "cuSOLVER potrfBatched", triangle, n, lda, count,
                    {{matrices, count * sizeof(void*), "matrices"}, {infos, count * sizeof(int), "infos"}},
                    [=](Reachable& reachable) {
                      for (int i = 0; i < count; ++i) {
                        const Matrix a{reinterpret_cast<Complex*>(matrices[i]), n, lda};
                        reachable.open(a.data, a.bytes(n));
                        infos[i] = factorise(a);
                      }
                    });
}

cusolverStatus_t cusolverDnZpotrsBatched(cusolverDnHandle_t handle, cublasFillMode_t triangle, int n, int nrhs,
                                         cuDoubleComplex* factors[], int lda, cuDoubleComplex* vectors[], int ldb,
                                         int* info, int count) {
  if (nrhs != 1 || ldb < std::max(1, n)) return CUSOLVER_STATUS_INVALID_VALUE;
  return queue_call(handle, "cuSOLVER potrsBatched", triangle, n, lda, count,
                    {{factors, count * sizeof(void*), "factors"},
                     {vectors, count * sizeof(void*), "vectors"},
                     {info, sizeof(int), "info"}},
                    [=](Reachable& reachable) {
                      for (int i = 0; i < count; ++i) {
                        const Matrix l{reinterpret_cast<Complex*>(factors[i]), n, lda};
                        reachable.open(l.data, l.bytes(n));
                        solve(l, reachable.open(reinterpret_cast<Complex*>(vectors[i]), n * sizeof(Complex)));
                      }
                      *info = 0;
                    });
}
