// A safetensors file taken apart, to be put together again: rightly, or with a header that lies.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sunder::fuzz {

struct Part {
  std::string name, dtype;
  std::vector<int64_t> shape;
  std::string bytes;
};

struct Model {
  nlohmann::json metadata;
  std::vector<Part> parts;
};

size_t element_size(const std::string& dtype);

// Nothing where the file is shorter than it says.
std::optional<std::string> header_text(const std::string& file);
// Nothing where the file is not whole, or has no tensors.
std::optional<Model> read_model(const std::string& file);

// The header of a file that is right. The tensors' bytes go to `data`, one behind the other.
nlohmann::json header_of(const Model& model, std::string& data);
std::string text(const nlohmann::json& value);
std::string with_length(const std::string& header, const std::string& data);
std::string whole(const Model& model);

}  // namespace sunder::fuzz
