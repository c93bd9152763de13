// Matrix products on a CUDA device (cuBLAS), row major as in tensor/blas.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/device.h"
#include "tensor/dtype.h"

namespace sunder::cuda::blas {

// A matrix in device memory: its row stride and, in a batch, the distance from one matrix to the next in elements (0:
// one matrix for all products). `transposed`: it is stored transposed.
template <class T>
struct Operand {
  const T* data;
  int64_t row_stride;
  bool transposed = false;
  int64_t stride = 0;
};

// C (m, n) = alpha * A (m, k) * B (k, n) + beta * C for each of `count` matrices c_stride apart; k >= 1. T and Out:
// float and float, in true float32 unless TF32 is on; double and double; bfloat16 and either bfloat16 or float, summed
// in float32. Queued on `stream`; the same bits every time on one device.
template <class T, class Out>
void gemm(Stream stream, Tf32 tf32, int64_t m, int64_t n, int64_t k, compute_type<T> alpha, Operand<T> a, Operand<T> b,
          compute_type<T> beta, Out* c, int64_t ldc, int64_t c_stride = 0, int64_t count = 1);

// The number of cached handles (recently_used.h), one per stream with a workspace of its own. The first product on a
// stream creates its handle, which is not possible during a capture.
size_t handle_count();
// Destroy all handles, captured ones too, or those of one stream. A graph captured with them must not be launched
// afterwards.
void clear_handles();
void forget(Stream stream);

}  // namespace sunder::cuda::blas
