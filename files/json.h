// JSON that others wrote: of bounded depth, without a key twice, read in proportion to its size. nlohmann's own parser
// keeps the last of two equal keys, takes quadratic time with a callback, and what it built is copied, compared and
// written by recursion.
#pragma once

#include <functional>
#include <istream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace sunder {

inline constexpr int json_depth_limit = 32;  // objects and arrays in one another

// "is not valid JSON: ...", "is nested deeper than 32 levels" or "has the key 'x' twice": the caller knows of what.
struct JsonError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws JsonError.
nlohmann::json parse_json(const std::string& text, int depth_limit = json_depth_limit);

// Where it stands in the outer objects, and the value, which may be moved from.
using TakeJson = std::function<void(const std::vector<std::string>& keys, nlohmann::json& value)>;

// Gives the values of objects that are `level` deep in one another to `take`, one at a time in the order of the text,
// so that a long list takes no more memory than its largest value. What ends before that level (an array, a number, an
// empty object) is given with fewer keys. Throws JsonError, and what `take` throws.
void read_json(const std::string& text, int level, const TakeJson& take, int depth_limit = json_depth_limit);
void read_json(std::istream& text, int level, const TakeJson& take, int depth_limit = json_depth_limit);

}  // namespace sunder
