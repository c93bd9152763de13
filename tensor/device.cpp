#include "tensor/device.h"

#include <charconv>

#include "tensor/cuda/runtime.h"
#include "tensor/error.h"

namespace sunder {

Device parse_device(const std::string& name) {
  if (name == "cpu") return cpu_device;
  if (name == "cuda" || name.starts_with("cuda:")) {
    Device device{Device::Kind::cuda, 0};
    if (name.size() > 4) {
      const auto result = std::from_chars(name.data() + 5, name.data() + name.size(), device.index);
      if (result.ec != std::errc() || result.ptr != name.data() + name.size() || device.index < 0)
        throw_error<UsageError>("device {}: expected cpu, cuda or cuda:N", name);
    }
    cuda::check_device(device);
    return device;
  }
  throw_error<UsageError>("device {}: expected cpu, cuda or cuda:N", name);
}

std::string to_string(Device device) { return device.is_cpu() ? "cpu" : fmt::format("cuda:{}", device.index); }

}  // namespace sunder
