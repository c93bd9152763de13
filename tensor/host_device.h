// Marks a function that CPU loops and CUDA kernels share; always inlined, so that it is compiled for whatever its
// caller is compiled for.
#pragma once

#include "tensor/simd.h"

#ifdef __CUDACC__
#define SUNDER_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define SUNDER_HOST_DEVICE SUNDER_INLINE
#endif
