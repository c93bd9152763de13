#include "files/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>

#include "files/atomic_file.h"
#include "files/float16.h"
#include "files/json.h"
#include "files/read_file.h"

namespace sunder {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

namespace {

using nlohmann::json;

// The header, a tensor and its shape are in one another; one level more is named as a wrong shape.
constexpr int header_depth = 4;
constexpr size_t most_axes = 64;

struct Entry {
  std::string name;
  std::string dtype;
  Shape shape;
  uint64_t begin = 0, end = 0;  // within the bytes after the header
};

size_t element_size(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64") return 8;
  if (dtype == "F32") return 4;
  if (dtype == "F16" || dtype == "BF16") return 2;
  return 0;
}

// Bytes in memory as a stream.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::span<const std::byte> bytes) {
    char* first = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
    setg(first, first, first + bytes.size());
  }
};

// Of the types that are checked and not read; 0: there is no such type.
size_t other_element_size(const std::string& dtype) {
  static const std::map<std::string, size_t> sizes = {{"BOOL", 1}, {"U8", 1},      {"I8", 1},  {"F8_E4M3", 1},
                                                      {"I16", 2},  {"F8_E5M2", 1}, {"U16", 2}, {"I32", 4},
                                                      {"U32", 4},  {"U64", 8}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? 0 : found->second;
}

// Bytes of a file that it takes to know.
constexpr size_t pytorch_start = 512;

// Before PyTorch 1.6 a pickle that begins with its magic number, since then a zip archive whose first entry is one.
bool begins_as_pytorch(std::string_view bytes) {
  return bytes.starts_with("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46") ||
         (bytes.starts_with("PK\x03\x04") && bytes.find(".pkl") != std::string_view::npos);
}

// Reads one file, which every error names.
class Reader {
 public:
  // Of a file that is in memory already.
  Reader(std::span<const std::byte> bytes, const std::string& name)
      : path_(name), memory_(bytes), stream_(&memory_), size_(bytes.size()) {}
  explicit Reader(const std::filesystem::path& path) : path_(path), stream_(&file_) {
    std::error_code error;
    const bool exists = std::filesystem::exists(path, error);
    if (error) throw ReadError(path, error.value());
    if (!exists) fail("no such file");
    if (!std::filesystem::is_regular_file(path, error)) fail("expected a safetensors file, got a folder or a device");
    size_ = std::filesystem::file_size(path, error);
    if (error) throw ReadError(path, error.value());
    if (!file_.open(path, std::ios::in | std::ios::binary)) throw ReadError(path, errno);
  }

  SafeTensors read(bool takes_others = false) {
    takes_others_ = takes_others;
    SafeTensors result;
    std::vector<Entry> entries;
    const TakeJson take = [&](const std::vector<std::string>& keys, const json& value) {
      if (keys.empty()) return;  // "{}": no tensors
      if (keys[0] == "__metadata__") result.metadata = metadata(value);
      else entries.push_back(entry(keys[0], value));
    };
    const std::string header = header_text();
    try {
      read_json(header, 1, take, header_depth);
    } catch (const JsonError& error) {
      fail("the header {}", error.what());
    }
    check_layout(entries);
    for (const Entry& e : entries) {
      if (element_size(e.dtype) > 0) {
        result.tensors.emplace(e.name, load(e));
      } else {
        stream_.ignore(static_cast<std::streamsize>(e.end - e.begin));
        result.others.emplace(e.name, fmt::format("{} [{}]", e.dtype, fmt::join(e.shape, ",")));
      }
    }
    return result;
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw ModelError(path_.string() + ": " + fmt::format(format, std::forward<Args>(args)...));
  }

  void fetch(void* into, uint64_t count) {
    stream_.read(static_cast<char*>(into), static_cast<std::streamsize>(count));
    if (stream_.bad()) throw ReadError(path_, errno);
    if (static_cast<uint64_t>(stream_.gcount()) != count) fail("cannot read: the file ended early");
  }

  std::string header_text() {
    uint64_t length = 0;
    if (size_ < sizeof length) fail("expected a header of at least 8 bytes, got a file of {} bytes", size_);
    fetch(&length, sizeof length);
    if (length > std::min(safetensors_header_limit, size_ - sizeof length) && is_pytorch(length))
      throw PyTorchFile(path_.string() + ": expected a safetensors file, got one that PyTorch's torch.save wrote");
    if (length > safetensors_header_limit)
      fail("expected a header of at most {} bytes, got {}", safetensors_header_limit, length);
    if (length > size_ - sizeof length)
      fail("the header needs {} bytes, but only {} follow: the file is cut or no safetensors file", length,
           size_ - sizeof length);
    data_size_ = size_ - sizeof length - length;
    std::string text(length, '\0');
    fetch(text.data(), length);
    if (text.empty() || text[0] != '{') fail("the header does not begin with '{{'");
    if (text.find('\0') != std::string::npos) fail("the header holds a zero byte");  // the parser would stop there
    return text;
  }

  // The first eight bytes were read as a length.
  bool is_pytorch(uint64_t length) {
    std::string begin(reinterpret_cast<const char*>(&length), sizeof length);
    begin.resize(std::min<uint64_t>(pytorch_start, size_));
    fetch(begin.data() + sizeof length, begin.size() - sizeof length);
    return begins_as_pytorch(begin);
  }

  std::map<std::string, std::string> metadata(const json& value) const {
    if (!value.is_object()) fail("__metadata__: expected an object, got {}", value.type_name());
    std::map<std::string, std::string> result;
    for (const auto& [key, text] : value.get_ref<const json::object_t&>()) {
      if (!text.is_string()) fail("__metadata__: expected a string for '{}', got {}", key, text.type_name());
      result[key] = text.get<std::string>();
    }
    return result;
  }

  uint64_t whole_number(const std::string& name, const char* field, const json& value) const {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
      fail("tensor '{}': expected whole numbers from 0 to 2^63 - 1 in {}, got {}", name, field, value.dump());
    return value.get<uint64_t>();
  }

  Entry entry(const std::string& name, const json& value) const {
    if (!value.is_object()) fail("tensor '{}': expected an object, got {}", name, value.type_name());
    for (const char* field : {"dtype", "shape", "data_offsets"})
      if (!value.contains(field)) fail("tensor '{}': {} is missing", name, field);
    if (value.size() != 3) fail("tensor '{}': expected dtype, shape and data_offsets alone", name);
    if (!value["dtype"].is_string()) fail("tensor '{}': expected a string as dtype", name);
    if (!value["shape"].is_array()) fail("tensor '{}': expected an array as shape", name);
    const json& offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2) fail("tensor '{}': expected two data_offsets", name);

    Entry result{name, value["dtype"].get<std::string>(), {}, 0, 0};
    uint64_t bytes = element_size(result.dtype);
    if (bytes == 0 && takes_others_) bytes = other_element_size(result.dtype);
    if (bytes == 0) fail("tensor '{}': expected dtype F32, F64, I64, F16 or BF16, got {}", name, result.dtype);
    if (value["shape"].size() > most_axes)
      fail("tensor '{}': expected a shape of at most {} axes, got {}", name, most_axes, value["shape"].size());
    bool empty = false;  // sizes beside a 0 are bounded, too
    for (const json& size : value["shape"]) {
      const uint64_t count = whole_number(name, "shape", size);
      result.shape.push_back(static_cast<int64_t>(count));
      empty |= count == 0;
      if (__builtin_mul_overflow(bytes, std::max<uint64_t>(count, 1), &bytes) ||
          bytes > static_cast<uint64_t>(INT64_MAX))
        fail("tensor '{}': the shape {} overflows", name, value["shape"].dump());
    }
    if (empty) bytes = 0;
    result.begin = whole_number(name, "data_offsets", offsets[0]);
    result.end = whole_number(name, "data_offsets", offsets[1]);
    if (result.begin > result.end || result.end > data_size_)
      fail("tensor '{}': expected data_offsets within the {} bytes of data, got {}", name, data_size_, offsets.dump());
    if (result.end - result.begin != bytes)
      fail("tensor '{}': {} {} takes {} bytes, but its data_offsets hold {}", name, result.dtype, value["shape"].dump(),
           bytes, result.end - result.begin);
    return result;
  }

  // Every byte must belong to exactly one tensor. Sorts `entries` by offset.
  void check_layout(std::vector<Entry>& entries) const {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    uint64_t covered = 0;
    for (const Entry& e : entries) {
      if (e.begin < covered) fail("tensor '{}': overlaps the tensor before it at byte {}", e.name, e.begin);
      if (e.begin > covered)
        fail("tensor '{}': bytes {} to {} before it belong to no tensor", e.name, covered, e.begin);
      covered = e.end;
    }
    if (covered != data_size_) fail("{} bytes at the end belong to no tensor", data_size_ - covered);
  }

  // The entries in order of their offsets are all that follows the header.
  Tensor load(const Entry& e) {
    if (e.dtype == "F16" || e.dtype == "BF16") return load_half(e);
    const DType dtype = e.dtype == "F32" ? DType::float32 : e.dtype == "F64" ? DType::float64 : DType::int64;
    Tensor tensor = Tensor::empty(e.shape, dtype);
    if (e.end > e.begin) fetch(tensor.raw(), e.end - e.begin);
    return tensor;
  }

  Tensor load_half(const Entry& e) {
    std::vector<uint16_t> words((e.end - e.begin) / 2);
    if (!words.empty()) fetch(words.data(), e.end - e.begin);
    Tensor tensor = Tensor::empty(e.shape, DType::float32);
    std::transform(words.begin(), words.end(), tensor.mutable_data<float>(),
                   e.dtype == "F16" ? from_float16 : from_bfloat16);
    return tensor;
  }

  static float from_bfloat16(uint16_t word) { return std::bit_cast<float>(static_cast<uint32_t>(word) << 16); }

  std::filesystem::path path_;
  MemoryBuffer memory_{{}};
  std::filebuf file_;
  std::istream stream_;  // one of them
  bool takes_others_ = false;
  uint64_t size_ = 0, data_size_ = 0;
};

// A tensor as the file holds it.
struct Stored {
  std::string name;
  const char* dtype;
  Tensor tensor;                   // on the CPU
  std::vector<uint16_t> halves{};  // its numbers instead, where dtype is F16
  std::span<const std::byte> bytes() const {
    return halves.empty() ? std::span(static_cast<const std::byte*>(tensor.raw()), tensor.bytes())
                          : std::as_bytes(std::span(halves));
  }
};

const char* dtype_name(const std::string& name, const Tensor& tensor) {
  if (name == "__metadata__") throw_error("[write_safetensors] a tensor cannot be named __metadata__");
  if (!tensor.defined()) throw_error("[write_safetensors] tensor '{}' is not defined", name);
  switch (tensor.dtype()) {
    case DType::float32:
      return "F32";
    case DType::float64:
      return "F64";
    case DType::int64:
      return "I64";
    default:
      throw_error("[write_safetensors] expected '{}' to be real or int64, got {}", name, describe(tensor));
  }
}

// Throws Error for a number that float16 does not have.
std::vector<uint16_t> to_halves(const std::filesystem::path& path, const std::string& name, const Tensor& tensor) {
  std::vector<uint16_t> halves(static_cast<size_t>(tensor.numel()));
  const float* values = tensor.data<float>();
  for (size_t i = 0; i < halves.size(); ++i) {
    halves[i] = to_float16(values[i]);
    if (!std::isfinite(from_float16(halves[i])))
      throw_error("[write_safetensors] {}: float16 has numbers up to {:g}, tensor '{}' holds {}", path.string(),
                  float16_max, name, values[i]);
  }
  return halves;
}

Stored stored(const std::filesystem::path& path, const std::string& name, const Tensor& tensor, WeightType type) {
  const bool halve = type == WeightType::float16 && tensor.defined() && tensor.dtype() != DType::int64;
  Stored result{name, halve ? "F16" : dtype_name(name, tensor), tensor.to(cpu_device)};
  if (halve) result.halves = to_halves(path, name, result.tensor.cast(DType::float32));
  return result;
}

}  // namespace

SafeTensors read_safetensors(const std::filesystem::path& path) { return Reader(path).read(); }
SafeTensors read_safetensors_and_others(const std::filesystem::path& path) { return Reader(path).read(true); }
SafeTensors parse_safetensors(std::span<const std::byte> bytes, const std::string& source) {
  return Reader(bytes, source).read();
}

bool is_pytorch_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string bytes(pytorch_start, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return begins_as_pytorch(std::string_view(bytes).substr(0, static_cast<size_t>(stream.gcount())));
}

const Tensor& named_tensor(const SafeTensors& file, const std::string& source, const std::string& name, int dim,
                           const std::string& network) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end() || found->second.dim() != dim)
    throw_error<ModelError>("{}: expected a tensor {} with {} axes ({}), found {}", source, name, dim, network,
                            found == file.tensors.end() ? "none" : describe(found->second));
  return found->second;
}

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata, WeightType type) {
  std::vector<Stored> order;
  for (const auto& [name, tensor] : tensors) order.push_back(stored(path, name, tensor, type));
  // Wide elements first: every tensor is then aligned to its element size, as readers that map the file need.
  std::ranges::stable_sort(order, std::greater(), [](const Stored& each) { return element_size(each.dtype); });
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::vector<std::span<const std::byte>> pieces(2);
  uint64_t offset = 0;
  for (const Stored& each : order) {
    const uint64_t end = offset + each.bytes().size();
    header[each.name] = {{"dtype", each.dtype}, {"shape", each.tensor.shape()}, {"data_offsets", {offset, end}}};
    pieces.push_back(each.bytes());
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception& error) {
    throw_error("[write_safetensors] {}: names and metadata must be UTF-8: {}", path.string(), error.what());
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  if (length > safetensors_header_limit)
    throw_error("[write_safetensors] {}: the header takes {} bytes, the format allows {}", path.string(), length,
                safetensors_header_limit);
  pieces[0] = std::as_bytes(std::span(&length, 1));
  pieces[1] = std::as_bytes(std::span(text));
  write_file(path, pieces);
}

}  // namespace sunder
