// The flat map that a checkpoint keeps beside its tensors: counters, scores, the phase of the method.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "files/settings.h"

namespace sunder {

using StateValue = std::variant<int64_t, double, std::string>;
using State = std::map<std::string, StateValue>;

// JSON and back; doubles keep every bit, inf and nan stand as {"number": "inf"}. `source` begins the messages of the
// ModelError that text of another form throws.
std::string to_json(const State& state);
State parse_state(const std::string& json, const std::string& source);

// The value under `key`, T one of int64_t, double and std::string. Throws ModelError if it is missing or of
// another type.
template <class T>
T state_value(const State& state, const std::string& key);

// A struct's fields to and from the map, switches as 0 and 1. A field that has had another name is read under either
// and keeps its value where there is neither: older versions left such values out while they were zero. Throws
// ModelError as state_value does.
void save_state(const Fields& fields, State& state);
void load_state(const Fields& fields, const State& state);

}  // namespace sunder
