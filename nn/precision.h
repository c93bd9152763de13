// The arithmetic of a network: --precision.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "tensor/device.h"
#include "tensor/dtype.h"

namespace sunder {

struct Precision {
  DType signals;          // waveforms, spectra, losses, parameters and their gradients: float32 or float64
  DType activations;      // tensors between a network's layers: `signals`, or bfloat16 on CUDA
  Tf32 tf32 = Tf32::off;  // of the layers' products; CUDA only

  Precision(DType dtype) : signals(dtype), activations(dtype) {}  // NOLINT: one dtype for both
};

inline const std::vector<std::string> precision_names = {"fp64", "fp32", "tf32", "bf16"};

// One of precision_names. fp32 is true float32; tf32 is float32 with the operands of products in TF32; bf16 stores
// activations and multiplies in bfloat16, while sums, norms, losses and parameters stay float32.
// Throws UsageError for another name, and for tf32 and bf16 on the CPU.
Precision parse_precision(const std::string& name, Device device);

// Error bounds of a step's gradients against float64, relative to their norm, when operands and activations have a
// relative error of up to `unit` (tf32_unit, bfloat16_unit). A smooth network stays within two units. With PReLU, a
// share of about `unit` of its inputs changes sign, where the slope jumps; the norm of that many jumps grows with the
// square root of `unit`.
inline double smooth_first_step_error(double unit) { return 2 * unit; }
inline double first_step_error(double unit) { return 0.5 * std::sqrt(unit); }

}  // namespace sunder
