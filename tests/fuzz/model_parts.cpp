#include "tests/fuzz/model_parts.h"

#include <cstring>
#include <stdexcept>

namespace sunder::fuzz {

using nlohmann::json;

namespace {

// Throws for anything else.
std::vector<int64_t> sizes(const json& list) {
  std::vector<int64_t> result;
  for (const json& size : list) {
    if (!size.is_number_unsigned() || size > INT64_MAX) throw std::invalid_argument("no sizes");
    result.push_back(size);
  }
  return result;
}

}  // namespace

size_t element_size(const std::string& dtype) {
  return dtype == "F64" || dtype == "I64" ? 8 : dtype == "F32" ? 4 : dtype == "F16" || dtype == "BF16" ? 2 : 1;
}

std::optional<std::string> header_text(const std::string& file) {
  uint64_t length = 0;
  if (file.size() < sizeof length) return std::nullopt;
  std::memcpy(&length, file.data(), sizeof length);
  if (length > file.size() - sizeof length) return std::nullopt;
  return file.substr(sizeof length, length);
}

std::optional<Model> read_model(const std::string& file) {
  const std::optional<std::string> header = header_text(file);
  const json all = header ? json::parse(*header, nullptr, false) : json();
  if (!all.is_object()) return std::nullopt;
  Model model;
  const std::string data = file.substr(sizeof(uint64_t) + header->size());
  try {
    for (const auto& [name, entry] : all.items()) {
      if (name == "__metadata__") {
        model.metadata = entry;
        continue;
      }
      const std::vector<int64_t> offsets = sizes(entry.at("data_offsets"));
      const auto begin = static_cast<size_t>(offsets.at(0)), end = static_cast<size_t>(offsets.at(1));
      if (begin > end || end > data.size()) return std::nullopt;
      model.parts.push_back({name, entry.at("dtype"), sizes(entry.at("shape")), data.substr(begin, end - begin)});
    }
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (!model.metadata.is_object()) model.metadata = json::object();
  return model.parts.empty() ? std::nullopt : std::optional(model);
}

json header_of(const Model& model, std::string& data) {
  json result = json::object();
  for (const Part& part : model.parts) {
    result[part.name] = {
        {"dtype", part.dtype}, {"shape", part.shape}, {"data_offsets", {data.size(), data.size() + part.bytes.size()}}};
    data += part.bytes;
  }
  if (!model.metadata.empty()) result["__metadata__"] = model.metadata;
  return result;
}

std::string text(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string with_length(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data;
}

std::string whole(const Model& model) {
  std::string data;
  const json header = header_of(model, data);
  return with_length(text(header), data);
}

}  // namespace sunder::fuzz
