#include <cublas_v2.h>
#include <cuda_bf16.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include "tensor/blas.h"
#include "tests/emulator/device.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/handles.h"
#include "tests/emulator/stream.h"

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasMath_t mode = CUBLAS_DEFAULT_MATH;
  sunder::emulator::Range workspace{nullptr, 0, "workspace"};
};

namespace sunder::emulator {
namespace {

struct Operand {  // column major, `batch` of them
  const void* data;
  cudaDataType type;
  int64_t rows, columns, leading, stride;

  int64_t elements(int64_t batch) const { return (batch - 1) * stride + (columns - 1) * leading + rows; }
};

size_t size_of(cudaDataType type) { return type == CUDA_R_64F ? 8 : type == CUDA_R_32F ? 4 : 2; }

// With the 10 fraction bits of TF32; the others are truncated, as tensor cores do with float32 operands.
float as_tf32(float value) { return std::bit_cast<float>(std::bit_cast<uint32_t>(value) & ~uint32_t{0x1fff}); }

// The operand's values in the compute type: its memory, or a converted copy in `converted`.
template <class T>
const T* values(const Operand& m, int64_t index, bool tf32, std::vector<T>& converted) {
  const auto convert = [&](const auto* from) {
    converted.resize(m.elements(1));
    for (int64_t column = 0; column < m.columns; ++column)
      for (int64_t i = column * m.leading; i < column * m.leading + m.rows; ++i)
        converted[i] = tf32 ? as_tf32(static_cast<float>(from[i])) : static_cast<T>(static_cast<float>(from[i]));
    return converted.data();
  };
  if (m.type == CUDA_R_16BF) return convert(static_cast<const __nv_bfloat16*>(m.data) + index * m.stride);
  const T* direct = static_cast<const T*>(m.data) + index * m.stride;
  return tf32 ? convert(direct) : direct;
}

struct Gemm {
  bool transpose_a, transpose_b;
  int64_t m, n, k, batch;
  double alpha, beta;
  Operand a, b, c;
  bool tf32;
};

// Column major C is row major C^T = op(B)^T op(A)^T.
template <class T>
void multiply(const Gemm& g) {
  std::vector<T> converted_a, converted_b, converted_c;
  for (int64_t i = 0; i < g.batch; ++i) {
    const T *a = values(g.a, i, g.tf32, converted_a), *b = values(g.b, i, g.tf32, converted_b);
    const bool narrow = g.c.type == CUDA_R_16BF;
    auto* c = static_cast<T*>(const_cast<void*>(g.c.data)) + (narrow ? 0 : i * g.c.stride);
    if (narrow) c = const_cast<T*>(values(g.c, i, false, converted_c));
    blas::parallel_gemm(g.transpose_b, g.transpose_a, g.n, g.m, g.k, static_cast<T>(g.alpha), b, g.b.leading, a,
                        g.a.leading, static_cast<T>(g.beta), c, g.c.leading);
    if (!narrow) continue;
    auto* to = static_cast<__nv_bfloat16*>(const_cast<void*>(g.c.data)) + i * g.c.stride;
    for (int64_t column = 0; column < g.n; ++column)
      for (int64_t row = 0; row < g.m; ++row)
        to[column * g.c.leading + row] = static_cast<float>(c[column * g.c.leading + row]);
  }
}

bool is_transposed(cublasOperation_t operation) { return operation == CUBLAS_OP_T; }

cublasStatus_t gemm(cublasHandle_t handle, const char* name, Gemm g) {
  const std::lock_guard guard(lock());
  handles::check("cuBLAS handle", handle);
  if (g.m < 0 || g.n < 0 || g.k < 0 || g.batch < 0 || g.a.leading < std::max<int64_t>(1, g.a.rows) ||
      g.b.leading < std::max<int64_t>(1, g.b.rows) || g.c.leading < std::max<int64_t>(1, g.m))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (g.m == 0 || g.n == 0 || g.batch == 0) return CUBLAS_STATUS_SUCCESS;
  std::vector<Range> ranges{handle->workspace};
  for (const auto& [operand, label] : {std::pair(&g.a, "A"), std::pair(&g.b, "B"), std::pair(&g.c, "C")})
    if (g.k > 0 || operand == &g.c)
      ranges.push_back({operand->data, operand->elements(g.batch) * size_of(operand->type), label});
  const cudaError_t error = queue_library_call(handle->stream, name, ranges, [g] {
    if (g.a.type == CUDA_R_64F) multiply<double>(g);
    else multiply<float>(g);
  });
  return remember(error) == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // namespace
}  // namespace sunder::emulator

using namespace sunder::emulator;

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "<unknown>";
}

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  const std::lock_guard guard(lock());
  if (remember(state_of_device()) != cudaSuccess || refuse_in_capture() != cudaSuccess)
    return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new cublasContext;
  handles::add("cuBLAS handle", *handle);
  ++counters().allocations;  // its workspace
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  const std::lock_guard guard(lock());
  handles::remove("cuBLAS handle", handle);
  finish_device(current_device());
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  const std::lock_guard guard(lock());
  handles::check("cuBLAS handle", handle);
  stream_of(stream);
  return handle->stream = stream, CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  const std::lock_guard guard(lock());
  handles::check("cuBLAS handle", handle);
  return handle->mode = mode, CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void* workspace, size_t bytes) {
  const std::lock_guard guard(lock());
  handles::check("cuBLAS handle", handle);
  handle->workspace = {workspace, bytes, "workspace"};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                                          int m, int n, int k, const void* alpha, const void* a, cudaDataType type_a,
                                          int lda, long long stride_a, const void* b, cudaDataType type_b, int ldb,
                                          long long stride_b, const void* beta, void* c, cudaDataType type_c, int ldc,
                                          long long stride_c, int batch, cublasComputeType_t compute,
                                          cublasGemmAlgo_t) {
  const bool wide = compute == CUBLAS_COMPUTE_64F;
  const bool supported = type_a == type_b && wide == (type_a == CUDA_R_64F) &&
                         (type_c == type_a || (type_a == CUDA_R_16BF && type_c == CUDA_R_32F));
  if (!supported) return CUBLAS_STATUS_NOT_SUPPORTED;
  const auto scalar = [&](const void* value) {
    return wide ? *static_cast<const double*>(value) : *static_cast<const float*>(value);
  };
  const bool ta = is_transposed(transa), tb = is_transposed(transb);
  const bool tf32 =
      type_a == CUDA_R_32F && (compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
                               (compute == CUBLAS_COMPUTE_32F && handle->mode == CUBLAS_TF32_TENSOR_OP_MATH));
  return gemm(handle, "cuBLAS gemm",
              {ta,
               tb,
               m,
               n,
               k,
               batch,
               scalar(alpha),
               scalar(beta),
               {a, type_a, ta ? k : m, ta ? m : k, lda, stride_a},
               {b, type_b, tb ? n : k, tb ? k : n, ldb, stride_b},
               {c, type_c, m, n, ldc, stride_c},
               tf32});
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                            int k, const void* alpha, const void* a, cudaDataType type_a, int lda, const void* b,
                            cudaDataType type_b, int ldb, const void* beta, void* c, cudaDataType type_c, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algorithm) {
  return cublasGemmStridedBatchedEx(handle, transa, transb, m, n, k, alpha, a, type_a, lda, 0, b, type_b, ldb, 0, beta,
                                    c, type_c, ldc, 0, 1, compute, algorithm);
}
