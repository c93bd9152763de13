#include "train/freeze.h"

#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "command/suggest.h"
#include "tensor/error.h"

namespace sunder {
namespace {

constexpr size_t named = 3;  // in messages

// The names whose beginnings differ least from what a pattern says literally.
std::vector<std::string> nearest(std::string pattern, std::vector<std::string> names) {
  std::erase_if(pattern, [](char c) { return c == '*' || c == '?'; });
  const auto distance = [&](const std::string& name) { return edit_distance(pattern, name.substr(0, pattern.size())); };
  std::ranges::stable_sort(names, {}, distance);
  names.resize(std::min(named, names.size()));
  return names;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

}  // namespace

std::vector<std::string> matching_parameters(const std::string& patterns, const Parameters& parameters) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : parameters.state_dict()) names.push_back(name);
  std::set<std::string> matching;
  std::istringstream list(patterns);
  for (std::string item; std::getline(list, item, ',');) {
    const std::string pattern = trimmed(item);
    const auto matches = [&](const std::string& name) { return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0; };
    if (std::ranges::none_of(names, matches))
      throw_error<UsageError>(
          "optim.freeze: expected patterns of parameter names, got '{}', which none matches; near: {}", pattern,
          fmt::join(nearest(pattern, names), ", "));
    std::ranges::copy_if(names, std::inserter(matching, matching.end()), matches);
  }
  if (matching.size() == names.size())
    throw_error<UsageError>("optim.freeze: '{}' matches all {} parameters: nothing is left to train", patterns,
                            names.size());
  return {matching.begin(), matching.end()};
}

std::string describe_frozen(const std::vector<std::string>& names, const Parameters& parameters) {
  const auto all = parameters.state_dict();
  int64_t count = 0;
  for (const std::string& name : names) count += all.at(name).numel();
  const size_t shown = std::min(named, names.size());
  return fmt::format("frozen: {} of {} tensors ({} of {} parameters): {}{}", names.size(), all.size(), count,
                     parameters.count(), fmt::join(names.begin(), names.begin() + static_cast<int64_t>(shown), ", "),
                     names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

}  // namespace sunder
