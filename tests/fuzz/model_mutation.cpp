// Model files that are almost right. Mutations of bytes seldom come past the reader: most of these keep the file whole
// and change sizes, types, names, numbers and metadata, or let the header lie.
#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "nn/architectures.h"
#include "tests/fuzz/model_parts.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace sunder::fuzz {
namespace {

using nlohmann::json;

constexpr size_t most_bytes = 1 << 14;  // of a tensor that is made larger

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string changed(const std::string& file, size_t max_size) {
    std::optional<Model> model = read_model(file);
    const uint64_t kind = model ? below(16) : 0;
    if (kind < 2) return by_bytes(file, max_size);
    if (kind == 2) return header_by_bytes(file, max_size);
    for (uint64_t rounds = 1 + below(3); rounds > 0; --rounds) change(*model);
    return kind < 6 ? lying(*model) : whole(*model);
  }

 private:
  uint64_t below(uint64_t limit) { return limit == 0 ? 0 : random_() % limit; }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

  static std::string by_bytes(std::string file, size_t max_size) {
    const size_t size = file.size();
    file.resize(max_size);
    file.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(file.data()), size, max_size));
    return file;
  }
  // The length stays right.
  static std::string header_by_bytes(const std::string& file, size_t max_size) {
    const std::string header = header_text(file).value_or("");
    const std::string data = file.substr(sizeof(uint64_t) + header.size());
    return with_length(by_bytes(header, max_size - std::min(max_size, data.size() + sizeof(uint64_t))), data);
  }

  // A header that contradicts the data, or is none.
  std::string lying(const Model& model) {
    std::string data;
    json of_model = header_of(model, data);
    const std::string& name = part_of(model).name;
    json& entry = of_model[name];
    switch (below(7)) {
      case 0:
        entry["shape"] = {odd_size(), odd_size(), odd_size()};
        break;
      case 1:
        entry["data_offsets"][below(2)] = odd_size();
        break;
      case 2:
        entry["data_offsets"] = of_model[part_of(model).name].value("data_offsets", json());
        break;
      case 3:
        (below(2) == 0 ? entry : entry[one_of({"dtype", "shape", "data_offsets"})]) = odd_value();
        break;
      case 4:
        of_model["__metadata__"] = odd_value();
        break;
      case 5: {
        const std::string all = text(of_model);
        return with_length("{" + text(name) + ":" + text(entry) + "," + all.substr(1), data);
      }
      default: {
        const uint64_t depth = one_of<uint64_t>({2, 5, 40, 2000});
        const std::string all = text(of_model), nested = one_of({"[", "{\"a\":"});
        std::string deep;
        for (uint64_t i = 0; i < depth; ++i) deep += nested;
        return with_length(
            "{\"deep\":" + deep + "1" + std::string(depth, nested == "[" ? ']' : '}') + "," + all.substr(1), data);
      }
    }
    return with_length(text(of_model), data);
  }

  json odd_value() {
    return one_of<json>({nullptr,
                         true,
                         -1,
                         1.5,
                         1e300,
                         UINT64_MAX,
                         "",
                         "F32",
                         json::array(),
                         json::object(),
                         json::array({1, "a"}),
                         {{"a", 1}}});
  }
  int64_t odd_size() {
    return one_of<int64_t>({0, 1, 2, 3, 5, 9, 17, 64, 1000, -1, 1 << 20, INT32_MAX, int64_t{1} << 32, INT64_MAX / 8,
                            INT64_MAX / 2, INT64_MAX, static_cast<int64_t>(below(100))});
  }
  int64_t small_size() { return static_cast<int64_t>(one_of<uint64_t>({0, 1, 2, 3, 4, 5, 8, 9, 16, below(40)})); }
  std::string odd_text() {
    if (below(3) == 0) return std::to_string(below(below(2) == 0 ? 20 : 70000));
    return one_of({"0",
                   "-1",
                   "1",
                   "1.5",
                   "nan",
                   "inf",
                   "1e9",
                   "1e999",
                   "1000000000",
                   "65536",
                   "1048576",
                   "32",
                   "2.0",
                   "1e-300",
                   "4096",
                   "-0",
                   "2147483648",
                   "0x10",
                   "",
                   "true",
                   "false",
                   "hann",
                   "hamming",
                   "sqrt_hann",
                   "none",
                   "rectangular",
                   "sum",
                   "parseval",
                   "zeros",
                   "reflect",
                   "shares",
                   "relu",
                   "sigmoid",
                   "raw",
                   "magnitude",
                   "real_imag",
                   "mapping",
                   "mask",
                   "relative",
                   "image",
                   "source",
                   "both",
                   "behind",
                   "tf-gridnet",
                   "\n",
                   "768000",
                   "stft-conv-tasnet",
                   "conv-tasnet",
                   "none",
                   "sqrt_n_fft",
                   "9223372036854775808"});
  }

  Part& part_of(Model& model) { return model.parts[below(model.parts.size())]; }
  const Part& part_of(const Model& model) { return model.parts[below(model.parts.size())]; }

  // What a key of the metadata may be.
  std::string any_key(const Model& model) {
    static const std::vector<std::string> known = [] {
      std::vector<std::string> keys = metadata_keys();
      keys.insert(keys.end(), {"architecture", "sample_rate", "mask_act", "stride", "n_blocks", "n_repeats", "fs"});
      return keys;
    }();
    if (below(2) == 0 || model.metadata.empty()) return known[below(known.size())];
    return std::next(model.metadata.begin(), static_cast<ptrdiff_t>(below(model.metadata.size()))).key();
  }

  // As many bytes as the shape asks for, where these are few: the old ones again and again.
  static void fit(Part& part) {
    size_t bytes = element_size(part.dtype);
    for (const int64_t size : part.shape) {
      if (size < 0 || static_cast<size_t>(size) > most_bytes) return;
      if ((bytes *= static_cast<size_t>(size)) > most_bytes) return;
    }
    if (part.bytes.empty()) part.bytes = std::string(8, '\0');
    const std::string pattern = part.bytes;
    while (part.bytes.size() < bytes) part.bytes += pattern;
    part.bytes.resize(bytes);
  }

  void change(Model& model) {
    Part& part = part_of(model);
    switch (below(10)) {
      case 0:
      case 1:
        model.metadata[any_key(model)] = odd_text();
        break;
      case 2:
        model.metadata.erase(any_key(model));
        break;
      case 3:
        resize_everywhere(model);
        break;
      case 4:
        if (!part.shape.empty()) part.shape[below(part.shape.size())] = below(4) == 0 ? odd_size() : small_size();
        break;
      case 5:
        if (below(2) == 0) part.shape.insert(part.shape.begin() + below(part.shape.size() + 1), small_size());
        else if (!part.shape.empty()) part.shape.erase(part.shape.begin() + below(part.shape.size()));
        break;
      case 6:
        if (model.parts.size() > 1) model.parts.erase(model.parts.begin() + below(model.parts.size()));
        return;
      case 7:
        if (below(2) == 0) part.name = part_of(model).name + one_of({"", ".weight", "x"});
        else model.parts.push_back({"more." + part.name, part.dtype, part.shape, part.bytes});
        return;
      case 8:
        part.dtype = one_of({"F32", "F64", "F16", "BF16", "I64", "BOOL", "U8", "F8_E4M3", "f32", ""});
        break;
      default:
        set_weights(part);
        return;
    }
    for (Part& each : model.parts) fit(each);
  }

  // One size of a network, wherever it stands, so that the file may be whole again.
  void resize_everywhere(Model& model) {
    const Part& part = part_of(model);
    if (part.shape.empty()) return;
    const int64_t from = part.shape[below(part.shape.size())], to = small_size();
    for (Part& each : model.parts) std::replace(each.shape.begin(), each.shape.end(), from, to);
    for (auto& [key, value] : model.metadata.items())
      if (value.is_string() && value.get_ref<const std::string&>() == std::to_string(from)) value = std::to_string(to);
  }

  void set_weights(Part& part) {
    const auto number = one_of<float>({0.0f, -0.0f, 1.0f, 1e-42f, 1e30f, -3e38f, std::numeric_limits<float>::infinity(),
                                       std::numeric_limits<float>::quiet_NaN()});
    const bool all = below(4) == 0;
    for (size_t at = all ? 0 : below(part.bytes.size() / sizeof number) * sizeof number;
         at + sizeof number <= part.bytes.size(); at += sizeof number) {
      std::memcpy(part.bytes.data() + at, &number, sizeof number);
      if (!all) return;
    }
  }

  std::mt19937_64 random_;
};

}  // namespace
}  // namespace sunder::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  const std::string changed =
      sunder::fuzz::Mutator(seed).changed(std::string(reinterpret_cast<const char*>(data), size), max_size);
  size = std::min(changed.size(), max_size);
  std::copy_n(changed.begin(), size, data);
  return size;
}
