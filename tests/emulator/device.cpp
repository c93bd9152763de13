#include "tests/emulator/device.h"

#include <cstring>

#include "tests/emulator/emulator.h"
#include "tests/emulator/memory.h"
#include "tests/emulator/stream.h"

namespace sunder::emulator {
namespace {

thread_local int device = 0;
thread_local cudaError_t last_error = cudaSuccess;
cudaError_t sticky_error = cudaSuccess;
int64_t launches_seen = 0;

cudaError_t driver_state() {
  if (settings().driver < CUDART_VERSION) return cudaErrorInsufficientDriver;
  return settings().devices == 0 ? cudaErrorNoDevice : cudaSuccess;
}

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};
// As cudaGetErrorName and cudaGetErrorString of CUDA 13 have them.
constexpr ErrorText error_texts[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureMerge, "cudaErrorStreamCaptureMerge",
     "operation would result in a merge of separate capture sequences"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
     "capture was not ended in the same stream as it began"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined", "capturing stream has unjoined work"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
     "dependency created on uncaptured work in another stream"},
    {cudaErrorStreamCaptureImplicit, "cudaErrorStreamCaptureImplicit",
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {cudaErrorCapturedEvent, "cudaErrorCapturedEvent",
     "operation not permitted on an event last recorded in a capturing stream"},
};

const ErrorText& text_of(cudaError_t error) {
  static constexpr ErrorText unknown{cudaSuccess, "cudaErrorUnknown", "unknown error"};
  for (const ErrorText& text : error_texts)
    if (text.error == error) return text;
  return unknown;
}

}  // namespace

std::recursive_mutex& lock() {
  static auto* only = new std::recursive_mutex;
  return *only;
}

int current_device() { return device; }

cudaError_t state_of_device() {
  if (sticky_error != cudaSuccess) return sticky_error;
  return driver_state();
}

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
  return error;
}

void make_sticky(cudaError_t error) { sticky_error = error; }

bool fault_is_due() {
  return settings().fail_after >= 0 && counters().kernels >= static_cast<uint64_t>(settings().fail_after);
}

cudaError_t next_launch_error() {
  const bool numbered = settings().fail_launch >= 0 && launches_seen++ == settings().fail_launch;
  const bool due = settings().fail_error != cudaErrorMemoryAllocation && fault_is_due();
  if (!numbered && !due) return cudaSuccess;
  launches_seen = 0;
  settings().fail_launch = settings().fail_after = -1;
  const auto error = static_cast<cudaError_t>(settings().fail_error);
  if (error >= cudaErrorIllegalAddress && error < cudaErrorStreamCaptureUnsupported) sticky_error = error;
  return error;
}

}  // namespace sunder::emulator

using namespace sunder::emulator;

const char* cudaGetErrorName(cudaError_t error) { return text_of(error).name; }
const char* cudaGetErrorString(cudaError_t error) { return text_of(error).text; }
cudaError_t cudaPeekAtLastError() { return sticky_error != cudaSuccess ? sticky_error : last_error; }
cudaError_t cudaGetLastError() {
  const cudaError_t error = cudaPeekAtLastError();
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = settings().driver;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  if (const cudaError_t error = driver_state(); error != cudaSuccess) return remember(error);
  *count = settings().devices;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* value) {
  return call([&] { return *value = device, cudaSuccess; });
}

cudaError_t cudaSetDevice(int value) {
  return call([&] {
    if (value < 0 || value >= settings().devices) return cudaErrorInvalidDevice;
    return device = value, cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int index) {
  return call([&] {
    if (index < 0 || index >= settings().devices) return cudaErrorInvalidDevice;
    *properties = {};
    std::strcpy(properties->name, "emulated device");
    properties->totalGlobalMem = settings().memory_mib << 20;
    properties->sharedMemPerBlock = 48 << 10;
    properties->sharedMemPerBlockOptin = 227 << 10;
    properties->regsPerBlock = 65536;
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = 1024;
    std::memcpy(properties->maxThreadsDim, (const int[]){1024, 1024, 64}, sizeof properties->maxThreadsDim);
    std::memcpy(properties->maxGridSize, (const int[]){2147483647, 65535, 65535}, sizeof properties->maxGridSize);
    properties->major = settings().capability / 10;
    properties->minor = settings().capability % 10;
    properties->multiProcessorCount = 132;
    properties->memoryBusWidth = 5120;
    properties->l2CacheSize = 50 << 20;
    properties->maxThreadsPerMultiProcessor = 2048;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int index) {
  cudaDeviceProp properties;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, index); error != cudaSuccess) return error;
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = properties.multiProcessorCount;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = properties.major;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = properties.minor;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(properties.sharedMemPerBlockOptin);
      return cudaSuccess;
  }
  return remember(cudaErrorInvalidValue);
}

cudaError_t cudaDeviceSynchronize() {
  return call([] {
    if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return error;
    ++counters().synchronisations;
    finish_device(device);
    return state_of_device();
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return call([&] {
    *total = settings().memory_mib << 20;
    *free = *total - memory::bytes_in_use(device);
    return cudaSuccess;
  });
}
