// How an op finds its kernels. A header declares each kernel once for both devices,
//     SUNDER_KERNEL(prelu_forward, const Tensor& x, const Tensor& slope, Tensor& y);
// X.cpp defines sunder::cpu::prelu_forward, X.cu defines sunder::cuda::prelu_forward, and the op calls
//     SUNDER_DISPATCH(prelu_forward, x.device())(x, slope, y);
// A forgotten CUDA kernel is a link error, a wrong signature a compile error. A build without CUDA throws by name.
#pragma once

#include "tensor/device.h"
#include "tensor/error.h"

#define SUNDER_KERNEL(name, ...)            \
  namespace cpu { void name(__VA_ARGS__); } \
  namespace cuda { void name(__VA_ARGS__); }

#ifdef SUNDER_WITH_CUDA
#define SUNDER_DISPATCH(name, device) ::sunder::pick(#name, device, &cpu::name, &cuda::name)
#else
#define SUNDER_DISPATCH(name, device) ::sunder::pick(#name, device, &cpu::name, static_cast<decltype(&cpu::name)>(nullptr))
#endif

namespace sunder {

template <class Kernel>
Kernel* pick(const char* name, Device device, Kernel* cpu, Kernel* cuda) {
  if (device.is_cpu()) return cpu;
  if (!cuda) throw_error<DeviceError>("[{}] built without CUDA", name);
  return cuda;
}

}  // namespace sunder
