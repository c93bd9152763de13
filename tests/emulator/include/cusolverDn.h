// Stands for cuSOLVER 12 (docs.nvidia.com/cuda/cusolver): batches of small Hermitian systems, column major.
#pragma once

#include "cublas_v2.h"

using cusolverDnHandle_t = struct cusolverDnContext*;
using cuDoubleComplex = double2;

enum cusolverStatus_t {
  CUSOLVER_STATUS_SUCCESS = 0,
  CUSOLVER_STATUS_NOT_INITIALIZED = 1,
  CUSOLVER_STATUS_ALLOC_FAILED = 2,
  CUSOLVER_STATUS_INVALID_VALUE = 3,
  CUSOLVER_STATUS_ARCH_MISMATCH = 4,
  CUSOLVER_STATUS_EXECUTION_FAILED = 6,
  CUSOLVER_STATUS_INTERNAL_ERROR = 7,
};

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle);
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle);
cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream);

// Tables of pointers and infos lie in device memory. infos[i]: 0, or which leading minor of matrix i is not positive.
cusolverStatus_t cusolverDnZpotrfBatched(cusolverDnHandle_t handle, cublasFillMode_t triangle, int n,
                                         cuDoubleComplex* matrices[], int lda, int* infos, int count);
// One right-hand side for each factor (nrhs = 1); info: one int, 0.
cusolverStatus_t cusolverDnZpotrsBatched(cusolverDnHandle_t handle, cublasFillMode_t triangle, int n, int nrhs,
                                         cuDoubleComplex* factors[], int lda, cuDoubleComplex* vectors[], int ldb,
                                         int* info, int count);
