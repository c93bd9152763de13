#include "tensor/cuda/blas.h"

#include <cublas_v2.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <optional>
#include <type_traits>

#include "tensor/cuda/runtime.h"
#include "tensor/cuda/stream_handle.h"
#include "tensor/error.h"
#include "tensor/memory.h"

namespace sunder::cuda::blas {
namespace {

// The size that NVIDIA recommends for Hopper (docs.nvidia.com/cuda/cublas, cublasSetWorkspace). With a workspace per
// handle, products on several streams are reproducible, and cuBLAS does not allocate while a graph is captured.
constexpr size_t workspace_bytes = 32 << 20;

class Workspace {
 public:
  explicit Workspace(Device device) : device_(device), memory_(allocate(workspace_bytes, device)) {
    if (!memory_) {
      release_cached_memory(device);
      memory_ = allocate(workspace_bytes, device);
    }
    if (!memory_)
      throw OutOfMemory(
          fmt::format("out of memory on {}: asked for {} bytes for cuBLAS", to_string(device), workspace_bytes),
          workspace_bytes);
  }
  ~Workspace() { free(memory_, device_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  std::byte* get() const { return memory_; }

 private:
  Device device_;
  std::byte* memory_;
};

struct Library {
  using Handle = cublasHandle_t;
  std::optional<Workspace> workspace;

  static void create(Handle* handle) { SUNDER_CUDA_CHECK(cublasCreate(handle)); }
  void set_up(Handle handle, Stream stream) {
    SUNDER_CUDA_CHECK(cublasSetStream(handle, native(stream)));
    // Keeps sums in float32 where the result is bfloat16, also between the blocks of a split sum.
    SUNDER_CUDA_CHECK(cublasSetMathMode(
        handle, static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION)));
    workspace.emplace(stream.device);
    SUNDER_CUDA_CHECK(cublasSetWorkspace(handle, workspace->get(), workspace_bytes));  // cublasSetStream resets it
  }
  static void destroy(Handle handle) { static_cast<void>(cublasDestroy(handle)); }
};
using Handle = StreamHandle<Library>;

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
  const DeviceScope scope(stream.device);
  const std::lock_guard lock(handles().mutex());
  const Handle& handle = handles().use(stream);
  // cuBLAS is column major and sees every matrix transposed: C^T = B^T A^T.
  if (count == 1) {  // most are, and for these cuBLAS also splits a long k between blocks
    SUNDER_CUDA_CHECK(cublasGemmEx(handle, operation(b.transposed), operation(a.transposed), as_int(n), as_int(m),
                                   as_int(k), &alpha, b.data, type, as_int(b.row_stride), a.data, type,
                                   as_int(a.row_stride), &beta, c, out_type, as_int(ldc), compute,
                                   CUBLAS_GEMM_DEFAULT));
    return;
  }
  constexpr int64_t most = 65535;  // the largest z of a grid
  for (int64_t first = 0; first < count; first += most)
    SUNDER_CUDA_CHECK(cublasGemmStridedBatchedEx(
        handle, operation(b.transposed), operation(a.transposed), as_int(n), as_int(m), as_int(k), &alpha,
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
