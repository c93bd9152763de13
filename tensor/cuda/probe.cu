// A kernel that does nothing: a device can load it if this program has code for the device's architecture.
#include "tensor/cuda/check.h"

namespace sunder::cuda {
namespace {

__global__ void probe_kernel() {}

}  // namespace

cudaError_t load_probe() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, probe_kernel);
}

}  // namespace sunder::cuda
