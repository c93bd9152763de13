// The flat map that a checkpoint stores besides its tensors: counters, scores, the phase of the method.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "files/settings.h"

namespace sunder {

using StateValue = std::variant<int64_t, double, std::string>;
using State = std::map<std::string, StateValue>;

// To and from JSON. Doubles keep every bit; inf and nan are written as {"number": "inf"}. parse_state throws ModelError
// for other text; messages begin with `source`.
std::string to_json(const State& state);
State parse_state(const std::string& json, const std::string& source);

// The value under `key`, T one of int64_t, double and std::string. Throws ModelError "<source>: ..." if it is missing
// or of another type.
template <class T>
T state_value(const State& state, const std::string& key, const std::string& source);

// A struct's fields to and from the map, flags as 0 and 1. A renamed field is read under either name and keeps its
// value if both are missing: older versions omitted such values while they were zero. Throws ModelError like
// state_value, and for a value out of the field's range.
void save_state(const Fields& fields, State& state);
void load_state(const Fields& fields, const State& state, const std::string& source);

}  // namespace sunder
