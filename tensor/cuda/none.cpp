#include "tensor/cuda/runtime.h"
#include "tensor/error.h"

namespace sunder::cuda {
namespace {

[[noreturn]] void missing() { throw DeviceError("this build has no CUDA backend; use --device cpu"); }

}  // namespace

int device_count(std::string* why) {
  if (why) *why = "this build has no CUDA backend";
  return 0;
}
void check_device(Device device) {
  throw_error<DeviceError>("device {}: this build has no CUDA backend; use --device cpu", to_string(device));
}
std::byte* allocate(size_t, Device) { missing(); }
void free(std::byte*, Device) { missing(); }
void copy(std::byte*, Device, const std::byte*, Device, size_t, Stream) { missing(); }
void fill(std::byte*, int, size_t, Stream) { missing(); }
void synchronize(Stream) { missing(); }

}  // namespace sunder::cuda
