// Turns statuses of CUDA and its libraries into exceptions that name the call, file, line and the library's text.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cufft.h>
#include <cusolverDn.h>
#ifdef SUNDER_WITH_CUDNN
#include <cudnn.h>
#endif

#include <source_location>

// SUNDER_CUDA_CHECK(cudaEventRecord(event, stream)); takes the statuses of the runtime, cuBLAS, cuDNN, cuFFT and
// cuSOLVER.
#define SUNDER_CUDA_CHECK(call) ::sunder::cuda::check((call), #call, __FILE__, __LINE__)

namespace sunder::cuda {

// The architectures that this program has GPU code for: "sm_80 sm_90 sm_100".
const char* architectures();
// Whether the current device can run that code: cudaErrorNoKernelImageForDevice where it cannot. Defined in probe.cu.
cudaError_t load_probe();

// Throw DeviceError unless the status is success, or OutOfMemory (of `bytes`, where the caller knows them) where memory
// is missing. The runtime's pending error is cleared, so that the next call does not report it again; a sticky one (an
// illegal address, say) stays until the process ends.
void check(cudaError_t status, const char* call, const char* file, int line, size_t bytes = 0);
void check(cublasStatus_t status, const char* call, const char* file, int line);
void check(cufftResult status, const char* call, const char* file, int line);
void check(cusolverStatus_t status, const char* call, const char* file, int line);
#ifdef SUNDER_WITH_CUDNN
void check(cudnnStatus_t status, const char* call, const char* file, int line);
#endif

// Called by launch(): the message names the kernel and the launch's sizes.
void check_launch(cudaError_t status, const void* kernel, dim3 grid, dim3 block, size_t shared_bytes,
                  const std::source_location& site);

}  // namespace sunder::cuda
