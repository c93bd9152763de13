#include "nn/precision.h"

namespace sunder {

Precision parse_precision(const std::string& name, Device device) {
  if (name == "fp64") return DType::float64;
  Precision precision = DType::float32;
  if (name == "fp32") return precision;
  if (name == "tf32") precision.tf32 = Tf32::on;
  else if (name == "bf16") precision.activations = DType::bfloat16;
  else throw_error<UsageError>("precision: expected one of {}, got '{}'", fmt::join(precision_names, ", "), name);
  if (device.is_cpu())
    throw_error<UsageError>("precision {}: expected a CUDA device; the CPU computes in fp32 and fp64", name);
  return precision;
}

}  // namespace sunder
