// The handle of a stream, and its device as the thread's current one for the time of a call.
#pragma once

#include <new>

#include "tensor/cuda/check.h"
#include "tensor/device.h"

namespace sunder::cuda {

inline cudaStream_t native(Stream stream) { return static_cast<cudaStream_t>(stream.handle); }

// Makes a device current and restores the one before. Costs one thread-local read where the device is current already.
class DeviceScope {
 public:
  explicit DeviceScope(Device device) : DeviceScope(device, std::nothrow) {
    check(status_, "cudaSetDevice", __FILE__, __LINE__);
  }
  // For destructors, and for callers that report status() themselves.
  DeviceScope(Device device, std::nothrow_t) {
    int current = 0;
    status_ = cudaGetDevice(&current);
    if (status_ != cudaSuccess || current == device.index) return;
    status_ = cudaSetDevice(device.index);
    if (status_ == cudaSuccess) before_ = current;
  }
  ~DeviceScope() {
    if (before_ >= 0) static_cast<void>(cudaSetDevice(before_));
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

  cudaError_t status() const { return status_; }

 private:
  int before_ = -1;  // where it has to be restored
  cudaError_t status_ = cudaSuccess;
};

}  // namespace sunder::cuda
