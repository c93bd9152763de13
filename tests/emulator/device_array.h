// An array in device memory for tests: copied up from host values, copied down again.
#pragma once

#include <vector>

#include "tensor/cuda/check.h"

namespace sunder {

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t count) : count_(count) { SUNDER_CUDA_CHECK(cudaMalloc(&data_, count * sizeof(T))); }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    SUNDER_CUDA_CHECK(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~DeviceArray() { static_cast<void>(cudaFree(data_)); }
  DeviceArray(const DeviceArray&) = delete;

  T* data() const { return data_; }
  size_t bytes() const { return count_ * sizeof(T); }
  std::vector<T> values() const {
    std::vector<T> host(count_);
    SUNDER_CUDA_CHECK(cudaMemcpy(host.data(), data_, bytes(), cudaMemcpyDeviceToHost));
    return host;
  }

 private:
  size_t count_ = 0;
  T* data_ = nullptr;
};

}  // namespace sunder
