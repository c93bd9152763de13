#include "tensor/cuda/blas.h"

#include <cublas_v2.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <type_traits>

#include "tensor/cuda/device_scope.h"
#include "tensor/cuda/recently_used.h"
#include "tensor/cuda/runtime.h"
#include "tensor/error.h"
#include "tensor/memory.h"

namespace sunder::cuda::blas {
namespace {

// What NVIDIA recommends for Hopper (docs.nvidia.com/cuda/cublas, cublasSetWorkspace). A workspace of its own keeps
// products on several streams reproducible, and cuBLAS from allocating while a graph is captured.
constexpr size_t workspace_bytes = 32 << 20;

class Handle {
 public:
  explicit Handle(Stream stream) : stream_(stream) {
    const DeviceScope scope(stream.device);
    SUNDER_CUDA_CHECK(cublasCreate(&handle_));
    try {
      SUNDER_CUDA_CHECK(cublasSetStream(handle_, static_cast<cudaStream_t>(stream.handle)));
      // Sums stay in float32 where the result is bfloat16, also those of pieces that several blocks made.
      SUNDER_CUDA_CHECK(cublasSetMathMode(
          handle_, static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION)));
      workspace_ = allocate(workspace_bytes, stream.device);
      if (!workspace_) {
        release_cached_memory(stream.device);
        workspace_ = allocate(workspace_bytes, stream.device);
      }
      if (!workspace_)
        throw OutOfMemory(fmt::format("out of memory on {}: asked for {} bytes for cuBLAS", to_string(stream.device),
                                      workspace_bytes),
                          workspace_bytes);
      SUNDER_CUDA_CHECK(cublasSetWorkspace(handle_, workspace_, workspace_bytes));
    } catch (...) {
      release();
      throw;
    }
  }
  ~Handle() { release(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Stream key() const { return stream_; }
  cublasHandle_t get() const { return handle_; }

  bool captured = false;  // by a graph, whose nodes point at the workspace

 private:
  void release() {
    static_cast<void>(cublasDestroy(handle_));
    if (workspace_) free(workspace_, stream_.device);
  }

  Stream stream_;
  cublasHandle_t handle_ = nullptr;
  std::byte* workspace_ = nullptr;
};

RecentlyUsed<Handle>& handles() {
  static auto* const all = new RecentlyUsed<Handle>(handle_limit);  // never destroyed, as the driver may go first
  return *all;
}

int as_int(int64_t size) {
  if (size > std::numeric_limits<int>::max()) throw_error("[gemm] expected sizes below 2^31, got {}", size);
  return static_cast<int>(size);
}

template <class T>
constexpr cudaDataType type_of = std::is_same_v<T, float>    ? CUDA_R_32F
                                 : std::is_same_v<T, double> ? CUDA_R_64F
                                                             : CUDA_R_16BF;

cublasOperation_t operation(bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; }

}  // namespace

template <class T, class Out>
void gemm(Stream stream, Tf32 tf32, int64_t m, int64_t n, int64_t k, compute_type<T> alpha, Operand<T> a, Operand<T> b,
          compute_type<T> beta, Out* c, int64_t ldc, int64_t c_stride, int64_t count) {
  if (m == 0 || n == 0 || count == 0) return;
  SUNDER_ASSERT(k > 0);
  constexpr cudaDataType type = type_of<T>, out_type = type_of<Out>;
  const cublasComputeType_t compute = type == CUDA_R_64F                       ? CUBLAS_COMPUTE_64F
                                      : type == CUDA_R_32F && tf32 == Tf32::on ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                                               : CUBLAS_COMPUTE_32F;
  const std::lock_guard lock(handles().mutex());
  Handle& handle = handles().get(stream);
  handle.captured = handle.captured || is_capturing(stream);
  // cuBLAS counts columns first and sees every matrix transposed: C^T = B^T A^T.
  if (count == 1) {  // most are, and for these cuBLAS also cuts a long k between blocks
    SUNDER_CUDA_CHECK(cublasGemmEx(handle.get(), operation(b.transposed), operation(a.transposed), as_int(n), as_int(m),
                                   as_int(k), &alpha, b.data, type, as_int(b.row_stride), a.data, type,
                                   as_int(a.row_stride), &beta, c, out_type, as_int(ldc), compute,
                                   CUBLAS_GEMM_DEFAULT));
    return;
  }
  constexpr int64_t most = 65535;  // layers of a grid
  for (int64_t first = 0; first < count; first += most)
    SUNDER_CUDA_CHECK(cublasGemmStridedBatchedEx(
        handle.get(), operation(b.transposed), operation(a.transposed), as_int(n), as_int(m), as_int(k), &alpha,
        b.data + first * b.stride, type, as_int(b.row_stride), b.stride, a.data + first * a.stride, type,
        as_int(a.row_stride), a.stride, &beta, c + first * c_stride, out_type, as_int(ldc), c_stride,
        static_cast<int>(std::min(most, count - first)), compute, CUBLAS_GEMM_DEFAULT));
}

template void gemm(Stream, Tf32, int64_t, int64_t, int64_t, float, Operand<float>, Operand<float>, float, float*,
                   int64_t, int64_t, int64_t);
template void gemm(Stream, Tf32, int64_t, int64_t, int64_t, double, Operand<double>, Operand<double>, double, double*,
                   int64_t, int64_t, int64_t);
template void gemm(Stream, Tf32, int64_t, int64_t, int64_t, float, Operand<bfloat16>, Operand<bfloat16>, float,
                   bfloat16*, int64_t, int64_t, int64_t);
template void gemm(Stream, Tf32, int64_t, int64_t, int64_t, float, Operand<bfloat16>, Operand<bfloat16>, float, float*,
                   int64_t, int64_t, int64_t);

size_t handle_count() {
  const std::lock_guard lock(handles().mutex());
  return handles().size();
}

void clear_handles() {
  const std::lock_guard lock(handles().mutex());
  handles().clear();
}

void forget(Stream stream) {
  const std::lock_guard lock(handles().mutex());
  handles().forget([&](Stream of) { return of == stream; });
}

}  // namespace sunder::cuda::blas
