#include "tensor/cuda/check.h"

#include "tensor/error.h"

namespace sunder::cuda {
namespace {

std::string describe(const char* call, const char* name, const char* text, const char* file, int line,
                     const std::string& more) {
  return fmt::format("{} failed: {} ({}) at {}:{}{}", call, name, text, file, line, more);
}

// After these "any further CUDA work will return the same error" (driver_types.h), whichever call reports it first.
bool is_sticky(cudaError_t status) {
  switch (status) {
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
      return true;
    default:
      return false;
  }
}

std::string consequence(cudaError_t status) {
  if (status == cudaErrorNoKernelImageForDevice) return std::string("; this program has code for ") + architectures();
  if (is_sticky(status)) return "; the GPU is lost to this process (CUDA_LAUNCH_BLOCKING=1 shows which kernel did it)";
  return "";
}

// Of a library's call. A library reports an error of the runtime as a failure of its own, so the message names both.
[[noreturn]] void fail(const char* library, const char* text, bool memory, const char* call, const char* file,
                       int line) {
  const cudaError_t pending = cudaGetLastError();
  std::string more;
  if (!memory && pending != cudaSuccess)
    more =
        fmt::format(", after {} ({}){}", cudaGetErrorName(pending), cudaGetErrorString(pending), consequence(pending));
  const std::string message = describe(call, library, text, file, line, more);
  if (memory) throw OutOfMemory(message, 0);
  if (is_sticky(pending)) throw DeviceLost(message);
  throw DeviceError(message);
}

const char* text_of(cufftResult status) {
  switch (status) {
    case CUFFT_INVALID_PLAN:
      return "CUFFT_INVALID_PLAN";
    case CUFFT_ALLOC_FAILED:
      return "CUFFT_ALLOC_FAILED";
    case CUFFT_INVALID_TYPE:
      return "CUFFT_INVALID_TYPE";
    case CUFFT_INVALID_VALUE:
      return "CUFFT_INVALID_VALUE";
    case CUFFT_INTERNAL_ERROR:
      return "CUFFT_INTERNAL_ERROR";
    case CUFFT_EXEC_FAILED:
      return "CUFFT_EXEC_FAILED";
    case CUFFT_SETUP_FAILED:
      return "CUFFT_SETUP_FAILED";
    case CUFFT_INVALID_SIZE:
      return "CUFFT_INVALID_SIZE";
    case CUFFT_NO_WORKSPACE:
      return "CUFFT_NO_WORKSPACE";
    default:
      return "an unknown cuFFT status";
  }
}

const char* text_of(cusolverStatus_t status) {
  switch (status) {
    case CUSOLVER_STATUS_NOT_INITIALIZED:
      return "CUSOLVER_STATUS_NOT_INITIALIZED";
    case CUSOLVER_STATUS_ALLOC_FAILED:
      return "CUSOLVER_STATUS_ALLOC_FAILED";
    case CUSOLVER_STATUS_INVALID_VALUE:
      return "CUSOLVER_STATUS_INVALID_VALUE";
    case CUSOLVER_STATUS_ARCH_MISMATCH:
      return "CUSOLVER_STATUS_ARCH_MISMATCH";
    case CUSOLVER_STATUS_EXECUTION_FAILED:
      return "CUSOLVER_STATUS_EXECUTION_FAILED";
    case CUSOLVER_STATUS_INTERNAL_ERROR:
      return "CUSOLVER_STATUS_INTERNAL_ERROR";
    default:
      return "an unknown cuSOLVER status";
  }
}

}  // namespace

const char* architectures() { return SUNDER_CUDA_CODE; }

void check(cudaError_t status, const char* call, const char* file, int line, size_t bytes) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  const std::string message =
      describe(call, cudaGetErrorName(status), cudaGetErrorString(status), file, line, consequence(status));
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory(message, bytes);
  if (is_sticky(status)) throw DeviceLost(message);
  throw DeviceError(message);
}

void check(cublasStatus_t status, const char* call, const char* file, int line) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail("cuBLAS", cublasGetStatusString(status), status == CUBLAS_STATUS_ALLOC_FAILED, call, file, line);
}

void check(cufftResult status, const char* call, const char* file, int line) {
  if (status == CUFFT_SUCCESS) return;
  fail("cuFFT", text_of(status), status == CUFFT_ALLOC_FAILED, call, file, line);
}

#ifdef SUNDER_WITH_CUDNN
void check(cudnnStatus_t status, const char* call, const char* file, int line) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  const bool memory = status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
                      status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
  fail("cuDNN", cudnnGetErrorString(status), memory, call, file, line);
}
#endif

void check(cusolverStatus_t status, const char* call, const char* file, int line) {
  if (status == CUSOLVER_STATUS_SUCCESS) return;
  fail("cuSOLVER", text_of(status), status == CUSOLVER_STATUS_ALLOC_FAILED, call, file, line);
}

void check_launch(cudaError_t status, const void* kernel, dim3 grid, dim3 block, size_t shared_bytes,
                  const std::source_location& site) {
  if (status == cudaSuccess) return;
  const char* name = "a kernel";
  if (cudaFuncGetName(&name, kernel) != cudaSuccess) name = "a kernel";
  const std::string call =
      fmt::format("launch of {} with grid ({}, {}, {}), block ({}, {}, {}) and {} bytes of shared memory", name, grid.x,
                  grid.y, grid.z, block.x, block.y, block.z, shared_bytes);
  check(status, call.c_str(), site.file_name(), static_cast<int>(site.line()));
}

}  // namespace sunder::cuda
