#include "train/state.h"

#include <cmath>
#include <limits>

#include "files/json.h"
#include "tensor/error.h"

namespace sunder {

using nlohmann::json;

namespace {

json encode(double value) {
  if (std::isfinite(value)) return value;
  return {{"number", std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"}};
}

StateValue decode(const json& value, const std::string& key, const std::string& source) {
  if (value.is_number_unsigned() && value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX))
    return value.get<int64_t>();
  if (value.is_number_integer() && !value.is_number_unsigned()) return value.get<int64_t>();
  if (value.is_number_float()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  const json kind = value.is_object() && value.size() == 1 ? value.value("number", json()) : json();
  const std::string name = kind.is_string() ? kind.get<std::string>() : "";
  if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (name == "inf") return std::numeric_limits<double>::infinity();
  if (name == "-inf") return -std::numeric_limits<double>::infinity();
  throw_error<ModelError>("{}: '{}': expected a number or a string, got {}", source, key, value.dump());
}

}  // namespace

std::string to_json(const State& state) {
  json result = json::object();
  for (const auto& [key, value] : state) {
    if (const auto* number = std::get_if<double>(&value)) result[key] = encode(*number);
    else if (const auto* count = std::get_if<int64_t>(&value)) result[key] = *count;
    else result[key] = std::get<std::string>(value);
  }
  return result.dump(1);
}

State parse_state(const std::string& text, const std::string& source) {
  State state;
  try {
    const json parsed = parse_json(text);
    if (!parsed.is_object()) throw_error<ModelError>("{}: expected an object, got {}", source, parsed.type_name());
    for (const auto& [key, value] : parsed.items()) state[key] = decode(value, key, source);
  } catch (const JsonError& error) {
    throw_error<ModelError>("{}: the text {}", source, error.what());
  }
  return state;
}

template <class T>
T state_value(const State& state, const std::string& key, const std::string& source) {
  const auto found = state.find(key);
  if (found == state.end()) throw_error<ModelError>("{}: expected a value of '{}', found none", source, key);
  const T* value = std::get_if<T>(&found->second);
  constexpr const char* expected = std::is_same_v<T, int64_t>  ? "a whole number"
                                   : std::is_same_v<T, double> ? "a number with a fraction"
                                                               : "a string";
  if (!value) throw_error<ModelError>("{}: '{}': expected {}, got another type", source, key, expected);
  return *value;
}

void save_state(const Fields& fields, State& state) {
  for (const Field& field : fields)
    std::visit(
        [&]<class T>(const T* value) {
          if constexpr (std::is_integral_v<T>) state[field.name] = static_cast<int64_t>(*value);
          else state[field.name] = *value;
        },
        field.value);
}

void load_state(const Fields& fields, const State& state, const std::string& source) {
  for (const Field& field : fields) {
    std::string key = field.name;
    if (!field.former_name.empty() && !state.contains(key)) {
      key = field.former_name;
      if (!state.contains(key)) continue;
    }
    std::visit(
        [&]<class T>(T* value) {
          if constexpr (std::is_integral_v<T>) {
            const auto number = state_value<int64_t>(state, key, source);
            *value = static_cast<T>(number);
            if (static_cast<int64_t>(*value) != number)
              throw_error<ModelError>("{}: '{}': expected {}, got {}", source, key,
                                      std::is_same_v<T, bool> ? "0 or 1" : "a smaller number", number);
          } else {
            *value = state_value<T>(state, key, source);
          }
        },
        field.value);
  }
  try {
    check_ranges(fields, source);
  } catch (const UsageError& error) {
    throw ModelError(error.what());
  }
}

template int64_t state_value(const State&, const std::string&, const std::string&);
template double state_value(const State&, const std::string&, const std::string&);
template std::string state_value(const State&, const std::string&, const std::string&);

}  // namespace sunder
