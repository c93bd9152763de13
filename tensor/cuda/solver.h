// Many small Hermitian systems at once on a CUDA device (cuSOLVER), complex128. Matrices are column major, K x K
// without gaps; tables of pointers lie in device memory, and so does what is said of failures: nothing waits for the
// device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/device.h"
#include "tensor/dtype.h"

namespace sunder::cuda::solver {

// A = L L^H in the lower triangles, `count` of them; info[i] is 0, or the number of the leading minor of matrix i that
// is not positive. Queued on `stream`.
void factorise(Stream stream, int64_t size, complex128* const* matrices, int* info, int64_t count);
// x = A^-1 x for `count` vectors, each with a factor that several may share; info: one int, 0.
void solve(Stream stream, int64_t size, complex128* const* factors, complex128* const* vectors, int* info,
           int64_t count);

// A stream's handle is made by its first call, which must not happen while it is captured. No graph captured with it may
// be launched after this.
void forget(Stream stream);

}  // namespace sunder::cuda::solver
