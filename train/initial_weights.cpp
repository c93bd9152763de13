#include "train/initial_weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "audio/sample_rate.h"
#include "files/settings.h"
#include "nn/architectures.h"
#include "tensor/error.h"
#include "train/checkpoint.h"

namespace sunder {
namespace {

constexpr size_t named = 8;  // in a sentence

struct Comparison {
  std::vector<std::string> matching, missing, reshaped, unused;
};

Comparison compare(const std::map<std::string, Tensor>& own, const std::map<std::string, Tensor>& given) {
  Comparison result;
  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    if (found == given.end()) result.missing.push_back(name);
    else if (found->second.shape() == tensor.shape() && is_real(found->second.dtype())) result.matching.push_back(name);
    else
      result.reshaped.push_back(
          fmt::format("{} {}, here {}", name, to_string(found->second.shape()), to_string(tensor.shape())));
  }
  for (const auto& [name, tensor] : given)
    if (!own.contains(name)) result.unused.push_back(name);
  return result;
}

std::string listed(const std::vector<std::string>& names) {
  const size_t shown = std::min(named, names.size());
  return fmt::format("{}{}", fmt::join(names.begin(), names.begin() + static_cast<int64_t>(shown), ", "),
                     names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

std::vector<std::string> sentences(const Comparison& c, const std::string& source) {
  std::vector<std::string> result = {fmt::format("initial weights from {}: {} of {} tensors", source, c.matching.size(),
                                                 c.matching.size() + c.missing.size() + c.reshaped.size())};
  const auto add = [&](const char* what, const std::vector<std::string>& names) {
    if (!names.empty()) result.push_back(fmt::format("initial weights: {} {}: {}", names.size(), what, listed(names)));
  };
  add("missing there, which begin at random", c.missing);
  add("of another shape there, which begin at random", c.reshaped);
  add("unused", c.unused);
  return result;
}

}  // namespace

InitialWeights load_initial_weights(const Parameters& parameters, const std::filesystem::path& path, bool partial) {
  const std::filesystem::path folder = model_folder(path), file = model_file(path);
  const bool is_checkpoint = std::filesystem::exists(folder / "manifest.json");
  const SafeTensors model = is_checkpoint ? load_checkpoint(folder).data.model : read_safetensors(file);
  int rate = 0;
  read_metadata({number("sample_rate", &rate, lowest_sample_rate, highest_sample_rate, "Hz")}, model.metadata,
                file.string());
  const auto own = parameters.state_dict();
  const Comparison compared = compare(own, model.tensors);
  if (partial && compared.matching.empty())
    throw_error<ModelError>("{}: expected at least one of the network's {} tensors by name and shape, found none of {}",
                            file.string(), own.size(), model.tensors.size());
  std::map<std::string, Tensor> tensors = model.tensors;
  if (partial) {
    tensors.clear();
    for (const auto& [name, tensor] : own) tensors[name] = tensor.clone();
    for (const std::string& name : compared.matching) tensors[name] = model.tensors.at(name);
  }
  try {
    parameters.load_state_dict(tensors, file.string());
  } catch (const ModelError& error) {
    if (compared.matching.size() == model.tensors.size() && compared.missing.empty()) throw;  // a value
    throw_error<ModelError>("{}; {} tensors match, {} are missing, {} have another shape and {} are unused{}",
                            error.what(), compared.matching.size(), compared.missing.size(), compared.reshaped.size(),
                            compared.unused.size(),
                            compared.matching.empty() ? "" : ": train.init_partial = true takes those that match");
  }
  return {rate > 0 ? std::optional(rate) : std::nullopt, sentences(compared, path.string())};
}

}  // namespace sunder
