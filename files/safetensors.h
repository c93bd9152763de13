// Model files in the safetensors format: eight bytes of header length, a JSON header, then the tensors' bytes. Our own
// code: there is no C or C++ library in Debian, and the reference reader is written in Rust.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "tensor/tensor.h"

namespace sunder {

struct SafeTensors {
  std::map<std::string, Tensor> tensors;  // on the CPU
  std::map<std::string, std::string> metadata;
  std::map<std::string, std::string> others{};  // "BOOL [3]" by name: tensors of types that no network's weights have
};

inline constexpr uint64_t safetensors_header_limit = 100'000'000;  // bytes, the limit of the format's own reader

// Reads a whole file. F32, F64 and I64 keep their type, F16 and BF16 become float32. Throws ModelError with the path
// and the tensor's name for a missing file and for anything that the format forbids: a header that is not a JSON object
// with the right fields, a duplicate key, an unknown dtype, a size that overflows or does not match the bytes, tensors
// that overlap or lie outside the file, and bytes that belong to no tensor. Throws ReadError where the system refuses:
// the file may be whole.
SafeTensors read_safetensors(const std::filesystem::path& path);
// The same from a file's bytes; errors call it `source`.
SafeTensors parse_safetensors(std::span<const std::byte> bytes, const std::string& source);
// The same, but tensors of the format's further types (BOOL, I32, U8, ...) are checked and listed in `others`, not
// read.
SafeTensors read_safetensors_and_others(const std::filesystem::path& path);

// What PyTorch's own torch.save writes (.pt, .pth, .ckpt, .bin): a program in Python's pickle format, which no other
// language can read safely. read_safetensors throws it instead of a ModelError on the header.
struct PyTorchFile : ModelError {
  using ModelError::ModelError;
};
// Whether the file begins as these do. False where it cannot be read.
bool is_pytorch_file(const std::filesystem::path& path);

// The tensor of that name with `dim` axes. Throws ModelError naming `network`, which the file is expected to be of.
const Tensor& named_tensor(const SafeTensors& file, const std::string& source, const std::string& name, int dim,
                           const std::string& network);

// What real tensors are stored as: their own type, or rounded to float16, which halves the size of a model.
enum class WeightType { own, float16 };

// Replaces `path` completely or not at all (files/atomic_file.h). Tensors are float32, float64 or int64, on any device.
// Throws Error if the file cannot be written and for a tensor that the format, or float16, cannot store.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {}, WeightType type = WeightType::own);

}  // namespace sunder
