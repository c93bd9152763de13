// Model files (files/safetensors.h): tensors that fill their shapes, the same bits when they are written and read
// again.
#include "files/safetensors.h"

#include <cstring>

#include "contract.h"

namespace sunder {
namespace {

void check(const SafeTensors& file, size_t size) {
  size_t values = 0;
  for (const auto& [name, tensor] : file.tensors) {
    const DType dtype = tensor.dtype();
    SUNDER_PROMISE(dtype == DType::float32 || dtype == DType::float64 || dtype == DType::int64);
    SUNDER_PROMISE(tensor.device() == cpu_device && tensor.numel() == numel(tensor.shape()));
    values += tensor.numel();
  }
  SUNDER_PROMISE(2 * values <= size);  // none takes less than two bytes
  const auto copy = fuzz::output_folder() / "copy.safetensors";
  write_safetensors(copy, file.tensors, file.metadata);
  const SafeTensors again = read_safetensors(copy);
  SUNDER_PROMISE(again.metadata == file.metadata && again.tensors.size() == file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    const auto found = again.tensors.find(name);
    SUNDER_PROMISE(found != again.tensors.end());
    const Tensor& other = found->second;
    SUNDER_PROMISE(other.shape() == tensor.shape() && other.dtype() == tensor.dtype());
    SUNDER_PROMISE(tensor.bytes() == 0 || std::memcmp(other.raw(), tensor.raw(), tensor.bytes()) == 0);
  }
}

}  // namespace
}  // namespace sunder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sunder;
  const fuzz::TimeLimit limit;
  const auto path = fuzz::memory_file(fuzz::text(data, size));
  if (const auto file = fuzz::accepted<ModelError>(read_safetensors, path)) check(*file, size);
  return 0;
}
