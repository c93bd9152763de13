#include "tensor/cuda/runtime.h"

#include <cuda_runtime.h>

#include <cstdlib>

#include "tensor/cuda/blas.h"
#include "tensor/cuda/check.h"
#include "tensor/cuda/counters.h"
#include "tensor/cuda/device_scope.h"
#include "tensor/cuda/fft.h"
#include "tensor/cuda/rnn.h"
#include "tensor/cuda/solver.h"
#include "tensor/error.h"

namespace sunder::cuda {
namespace {

// 13000: "13.0"
std::string version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

// Explains an error of cudaGetDeviceCount. Any driver of the runtime's major version is compatible ("CUDA
// Compatibility", minor version compatibility).
std::string why_no_device(cudaError_t status) {
  if (status == cudaErrorInsufficientDriver) {
    int driver = 0;  // stays where there is none
    static_cast<void>(cudaDriverGetVersion(&driver));
    return fmt::format("expected an NVIDIA driver for CUDA {} or later, found {}",
                       version_text(CUDART_VERSION / 1000 * 1000),
                       driver == 0 ? "none" : "one for CUDA " + version_text(driver));
  }
  if (status == cudaSuccess || status == cudaErrorNoDevice) {
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    return fmt::format("expected a CUDA device, found none{}",
                       visible ? fmt::format(" (CUDA_VISIBLE_DEVICES is '{}')", visible) : "");
  }
  return fmt::format("expected a CUDA device, found {} ({})", cudaGetErrorName(status), cudaGetErrorString(status));
}

}  // namespace

int device_count(std::string* why) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess && count > 0) return count;
  static_cast<void>(cudaGetLastError());  // not the next call's error
  if (why) *why = why_no_device(status);
  return 0;
}

void check_device(Device device) {
  std::string why;
  const int count = device_count(&why);
  if (count == 0) throw_error<DeviceMissing>("device {}: {}", to_string(device), why);
  if (device.index >= count)
    throw_error<DeviceError>("device {}: expected cuda:0{}, found {} device{}", to_string(device),
                             count == 1 ? "" : fmt::format(" to cuda:{}", count - 1), count, count == 1 ? "" : "s");
  const DeviceScope scope(device);
  const cudaError_t status = load_probe();
  if (status != cudaErrorNoKernelImageForDevice) return check(status, "cudaFuncGetAttributes", __FILE__, __LINE__);
  static_cast<void>(cudaGetLastError());
  cudaDeviceProp found;
  SUNDER_CUDA_CHECK(cudaGetDeviceProperties(&found, device.index));
  throw_error<DeviceMissing>(
      "device {}: expected a GPU that code for {} runs on, found {} of sm_{}{}, which needs a build with "
      "SUNDER_CUDA_ARCHITECTURES={}{}",
      to_string(device), architectures(), found.name, found.major, found.minor, found.major, found.minor);
}

DeviceMemory device_memory(Device device) {
  const DeviceScope scope(device);
  DeviceMemory memory;
  static_cast<void>(cudaMemGetInfo(&memory.free, &memory.total));
  return memory;
}

std::byte* allocate(size_t bytes, Device device) {
  const DeviceScope scope(device);
  void* block = nullptr;
  const cudaError_t status = cudaMalloc(&block, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    return nullptr;
  }
  check(status, "cudaMalloc", __FILE__, __LINE__, bytes);
  return static_cast<std::byte*>(block);
}

// Destructors call it, so a failure is not reported here: the next call fails with it.
void free(std::byte* block, Device device) {
  const DeviceScope scope(device, std::nothrow);
  static_cast<void>(cudaFree(block));
}

void copy(std::byte* to, Device to_device, const std::byte* from, Device from_device, size_t bytes, Stream stream) {
  const DeviceScope scope(stream.device);
  SUNDER_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, native(stream)));
  // Host memory is pageable here: the caller may read or reuse it as soon as this returns.
  if (to_device.is_cpu() || from_device.is_cpu()) SUNDER_CUDA_CHECK(cudaStreamSynchronize(native(stream)));
}

void fill(std::byte* block, int byte, size_t bytes, Stream stream) {
  const DeviceScope scope(stream.device);
  SUNDER_CUDA_CHECK(cudaMemsetAsync(block, byte, bytes, native(stream)));
}

void synchronize(Stream stream) {
  const DeviceScope scope(stream.device);
  SUNDER_CUDA_CHECK(cudaStreamSynchronize(native(stream)));
}

void follow(Stream after, Stream before) {
  const DeviceScope scope(after.device);
  cudaEvent_t event = nullptr;
  SUNDER_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  cudaError_t status = cudaEventRecord(event, native(before));
  if (status == cudaSuccess) status = cudaStreamWaitEvent(native(after), event, 0);
  static_cast<void>(cudaEventDestroy(event));  // the wait holds what it needs
  SUNDER_CUDA_CHECK(status);
}

bool is_capturing(Stream stream) {
  const DeviceScope scope(stream.device);
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  SUNDER_CUDA_CHECK(cudaStreamIsCapturing(native(stream), &status));
  return status != cudaStreamCaptureStatusNone;
}

Device device_of_memory(const void* memory, Device context) {
  const DeviceScope scope(context);
  cudaPointerAttributes attributes{};
  SUNDER_CUDA_CHECK(cudaPointerGetAttributes(&attributes, memory));
  const bool on_device = attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
  return on_device ? Device{Device::Kind::cuda, attributes.device} : cpu_device;
}

Device device_of_stream(void* stream, Device context) {
  const DeviceScope scope(context);
  Device device = context;
#if CUDART_VERSION >= 12080
  SUNDER_CUDA_CHECK(cudaStreamGetDevice(static_cast<cudaStream_t>(stream), &device.index));
#else  // the first event on it tells
  static_cast<void>(stream);
#endif
  return device;
}

OwnedStream::OwnedStream(Device device) : stream_(device) {
  if (device.is_cpu()) return;
  const DeviceScope scope(device);
  cudaStream_t made = nullptr;
  SUNDER_CUDA_CHECK(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking));
  stream_.handle = made;
}

// A failure cannot be reported here; a sticky one has been.
OwnedStream::~OwnedStream() {
  if (stream_.device.is_cpu()) return;
  const DeviceScope scope(stream_.device, std::nothrow);
  static_cast<void>(cudaStreamSynchronize(native(stream_)));
  blas::forget(stream_);
  solver::forget(stream_);
  forget_fft_plans(stream_);
  forget_rnn_plans(stream_);
  forget_counters(stream_);
  static_cast<void>(cudaStreamDestroy(native(stream_)));
}

}  // namespace sunder::cuda
