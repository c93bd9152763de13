#include "tensor/device.h"

#include "tensor/error.h"

namespace sunder {

Device parse_device(const std::string& name) {
  if (name == "cpu") return cpu_device;
  if (name == "cuda" || name.starts_with("cuda:"))
    throw_error<DeviceError>("device {}: this build has no CUDA backend; use --device cpu", name);
  throw_error<UsageError>("device {}: expected cpu, cuda or cuda:N", name);
}

std::string to_string(Device device) { return device.is_cpu() ? "cpu" : fmt::format("cuda:{}", device.index); }

}  // namespace sunder
