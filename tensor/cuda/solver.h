// Batches of small Hermitian systems on a CUDA device (cuSOLVER), complex128. Matrices are column major, K x K,
// contiguous. Tables of pointers and the reports of failures are in device memory: nothing waits for the device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/device.h"
#include "tensor/dtype.h"

namespace sunder::cuda::solver {

// A = L L^H in the lower triangles, `count` of them; info[i] is 0, or the number of the leading minor of matrix i that
// is not positive. Queued on `stream`.
void factorise(Stream stream, int64_t size, complex128* const* matrices, int* info, int64_t count);
// x = A^-1 x for `count` vectors, each with a factor, which several vectors may share; info: one int, 0.
void solve(Stream stream, int64_t size, complex128* const* factors, complex128* const* vectors, int* info,
           int64_t count);

// The first call on a stream creates its handle, which is not possible during a capture. A graph captured with it must
// not be launched after forget().
void forget(Stream stream);

}  // namespace sunder::cuda::solver
