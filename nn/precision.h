// What a network computes in: --precision.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "tensor/device.h"
#include "tensor/dtype.h"

namespace sunder {

struct Precision {
  DType signals;          // waveforms, spectra, losses, parameters and their gradients: float32 or float64
  DType activations;      // what is stored between a network's layers: `signals`, or on CUDA bfloat16
  Tf32 tf32 = Tf32::off;  // of the layers' products; on CUDA alone

  Precision(DType dtype) : signals(dtype), activations(dtype) {}  // NOLINT: one type stands for all
};

inline const std::vector<std::string> precision_names = {"fp64", "fp32", "tf32", "bf16"};

// One of precision_names. fp32 is true float32; tf32 is float32 but for the operands of products; bf16 stores
// activations and multiplies in bfloat16, while sums, norms, losses and parameters stay float32.
// Throws UsageError for another name, and for tf32 and bf16 on the CPU.
Precision parse_precision(const std::string& name, Device device);

// How far the gradients of a step may be from float64's, relative to their norm, where operands and activations have a
// relative error of up to `unit` (tf32_unit, bfloat16_unit). A smooth network stays within two units. But of a PReLU's
// inputs a share of about `unit` changes sides, where its slope jumps, and the norm of so many jumps is a square root.
inline double smooth_first_step_error(double unit) { return 2 * unit; }
inline double first_step_error(double unit) { return 0.5 * std::sqrt(unit); }

}  // namespace sunder
