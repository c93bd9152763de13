#include "files/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "tensor/error.h"

namespace sunder {
namespace {

const char* type_name(const Field& field) {
  static constexpr const char* names[] = {"a string",       "a whole number", "a whole number",
                                          "a whole number", "a number",       "true or false"};
  return names[field.value.index()];
}

std::string range(const Field& field) {
  if (!field.choices.empty()) return fmt::format("one of {}", fmt::join(field.choices, ", "));
  if (field.high == field.low) return type_name(field);  // strings and flags
  if (field.low <= -no_limit) return type_name(field);
  if (field.high >= many) return fmt::format("{} of at least {}", type_name(field), field.low);
  if (field.excludes_high) return fmt::format("{} from {} to below {}", type_name(field), field.low, field.high);
  return fmt::format("{} from {} to {}", type_name(field), field.low, field.high);
}

[[noreturn]] void refuse(const Field& field, const std::string& source, const std::string& value) {
  throw_error<UsageError>("{}: expected {}, got '{}'", source, range(field), value);
}

template <class T>
bool parse(const std::string& text, T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    value = text;
    return true;
  } else if constexpr (std::is_same_v<T, bool>) {
    value = text == "true";
    return text == "true" || text == "false";
  } else {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc() && result.ptr == text.data() + text.size();
  }
}

template <class T>
bool allowed(const Field& field, const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return field.choices.empty() || std::find(field.choices.begin(), field.choices.end(), value) != field.choices.end();
  } else if constexpr (std::is_same_v<T, bool>) {
    return true;
  } else {
    const auto number = static_cast<double>(value);
    if (!std::isfinite(number) || number < field.low) return false;
    return field.excludes_high ? number < field.high : number <= field.high;
  }
}

std::string quote(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) result += fmt::format("\\u{:04x}", c);
    else result += c;
  }
  return result + '"';
}

std::string toml_of(const Field& field) {
  const std::string text = text_of(field);
  if (std::holds_alternative<std::string*>(field.value)) return quote(text);
  const bool fraction = !std::holds_alternative<double*>(field.value) || text.find_first_of(".e") != std::string::npos;
  return fraction ? text : text + ".0";
}

std::string text_of(const toml::node& node) {
  std::ostringstream stream;
  node.visit([&](const auto& value) { stream << value; });
  return stream.str();
}

void assign(const Field& field, const toml::node& node, const std::string& source) {
  const std::string name = source + ": " + field.name;
  std::visit(
      [&]<class T>(T*) {
        if constexpr (std::is_same_v<T, std::string>) {
          if (!node.is_string()) refuse(field, name, text_of(node));
          sunder::assign(field, node.ref<std::string>(), name);
        } else if constexpr (std::is_same_v<T, bool>) {
          if (!node.is_boolean()) refuse(field, name, text_of(node));
          sunder::assign(field, node.ref<bool>() ? "true" : "false", name);
        } else {
          // An integer is accepted where a floating-point number is expected, never the reverse.
          if (node.is_integer()) return sunder::assign(field, std::to_string(node.ref<int64_t>()), name);
          if (!std::is_same_v<T, double> || !node.is_floating_point()) refuse(field, name, text_of(node));
          sunder::assign(field, fmt::format("{}", node.ref<double>()), name);
        }
      },
      field.value);
}

}  // namespace

Field text(const char* name, std::string* value, const char* help, std::vector<std::string> choices) {
  return {name, help, value, 0, 0, std::move(choices)};
}

Field flag(const char* name, bool* value, const char* help) { return {name, help, value}; }

Field below(Field field) {
  field.excludes_high = true;
  return field;
}

Field changeable(Field field) {
  field.fixed = false;
  return field;
}

Field renamed(Field field, const char* former) {
  field.former_name = former;
  return field;
}

Field together(Field field, Field other) {
  field.also.push_back(std::move(other));
  return field;
}

Fields merged(Fields fields, const Fields& others) {
  for (const Field& other : others) {
    const auto same = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == other.name; });
    if (same != fields.end()) same->also.push_back(other);
    else fields.push_back(other);
  }
  return fields;
}

Fields in_section(const std::string& section, Fields fields) {
  for (Field& field : fields) {
    field.name = section + "." + field.name;
    if (!field.former_name.empty()) field.former_name = section + "." + field.former_name;
  }
  return fields;
}

Fields operator+(Fields left, const Fields& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

void assign(const Field& field, const std::string& value, const std::string& source) {
  std::visit(
      [&]<class T>(T* target) {
        T parsed{};
        if (!parse(value, parsed) || !allowed(field, parsed)) refuse(field, source, value);
        *target = parsed;
      },
      field.value);
  for (const Field& other : field.also) assign(other, value, source);
}

const Field& find(const Fields& fields, const std::string& name, const std::string& source, Names names) {
  std::vector<std::string> known;
  for (const Field& field : fields) {
    if (field.name == name) return field;
    known.push_back(field.name);
  }
  for (const Field& field : fields) {
    if (field.former_name != name || name.empty()) continue;
    if (names == Names::also_former) return field;
    throw_error<UsageError>("{}: '{}' was renamed to '{}'", source, name, field.name);
  }
  throw UnknownName(fmt::format("{}: unknown key '{}'", source, name), name, known);
}

std::string text_of(const Field& field) {
  return std::visit([]<class T>(const T* value) { return fmt::format("{}", *value); }, field.value);
}

void read_toml(const Fields& fields, const toml::table& table, const std::string& source, Names names) {
  for (const auto& [section, content] : table) {
    const std::string name(section.str());
    if (!content.is_table()) {
      find(fields, name, source, names);
      continue;
    }
    for (const auto& [key, node] : *content.as_table())
      assign(find(fields, name + "." + std::string(key.str()), source, names), node, source);
  }
}

std::string to_toml(const Fields& fields) {
  std::string result, section;
  for (const Field& field : fields) {
    const size_t dot = field.name.find('.');
    if (field.name.substr(0, dot) != section) {
      section = field.name.substr(0, dot);
      result += fmt::format("{}[{}]\n", result.empty() ? "" : "\n", section);
    }
    result += fmt::format("{} = {}  # {}\n", field.name.substr(dot + 1), toml_of(field), field.help);
  }
  return result;
}

void check_ranges(const Fields& fields, const std::string& source) {
  for (const Field& field : fields)
    std::visit(
        [&](const auto* value) {
          if (!allowed(field, *value)) refuse(field, source + ": " + field.name, text_of(field));
        },
        field.value);
}

void read_metadata(const Fields& fields, const std::map<std::string, std::string>& metadata,
                   const std::string& source) {
  for (const Field& field : fields) {
    auto found = metadata.find(field.name);
    if (found == metadata.end() && !field.former_name.empty()) found = metadata.find(field.former_name);
    if (found == metadata.end()) continue;
    try {
      assign(field, found->second, fmt::format("{}: {} in the metadata", source, found->first));
    } catch (const UsageError& error) {
      throw ModelError(error.what());
    }
  }
}

void write_metadata(const Fields& fields, std::map<std::string, std::string>& metadata) {
  for (const Field& field : fields) metadata[field.name] = text_of(field);
}

}  // namespace sunder
