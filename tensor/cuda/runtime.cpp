#include "tensor/cuda/runtime.h"

#include <cuda_runtime.h>

#include "tensor/cuda/blas.h"
#include "tensor/cuda/check.h"
#include "tensor/cuda/device_scope.h"
#include "tensor/cuda/fft.h"
#include "tensor/error.h"

namespace sunder::cuda {
namespace {

cudaStream_t native(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }

}  // namespace

int device_count(std::string* why) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess) {
    if (count == 0 && why) *why = "no CUDA device";
    return count;
  }
  static_cast<void>(cudaGetLastError());  // not the next call's error
  if (why) *why = cudaGetErrorString(status);
  return 0;
}

void check_device(Device device) {
  std::string why;
  const int count = device_count(&why);
  if (count == 0) throw_error<DeviceError>("device {}: {}; use --device cpu", to_string(device), why);
  if (device.index >= count)
    throw_error<DeviceError>("device {}: expected cuda:0 to cuda:{}, this machine has {} device{}", to_string(device),
                             count - 1, count, count == 1 ? "" : "s");
}

std::byte* allocate(size_t bytes, Device device) {
  const DeviceScope scope(device);
  void* block = nullptr;
  const cudaError_t status = cudaMalloc(&block, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    return nullptr;
  }
  SUNDER_CUDA_CHECK(status);
  return static_cast<std::byte*>(block);
}

// In a destructor's path: a failure here cannot be reported and will show at the next call.
void free(std::byte* block, Device device) {
  int before = 0;
  static_cast<void>(cudaGetDevice(&before));
  static_cast<void>(cudaSetDevice(device.index));
  static_cast<void>(cudaFree(block));
  static_cast<void>(cudaSetDevice(before));
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
  static_cast<void>(cudaStreamSynchronize(native(stream_)));
  blas::forget(stream_);
  forget_fft_plans(stream_);
  static_cast<void>(cudaStreamDestroy(native(stream_)));
}

}  // namespace sunder::cuda
