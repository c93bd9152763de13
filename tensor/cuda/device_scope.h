// Runs with a device as the thread's current one and restores the one before.
#pragma once

#include "tensor/cuda/check.h"
#include "tensor/device.h"

namespace sunder::cuda {

class DeviceScope {
 public:
  explicit DeviceScope(Device device) {
    SUNDER_CUDA_CHECK(cudaGetDevice(&before_));
    if (before_ != device.index) SUNDER_CUDA_CHECK(cudaSetDevice(device.index));
    changed_ = before_ != device.index;
  }
  ~DeviceScope() {
    if (changed_) static_cast<void>(cudaSetDevice(before_));
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};

}  // namespace sunder::cuda
