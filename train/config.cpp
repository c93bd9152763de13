#include "train/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "command/suggest.h"
#include "files/toml.h"
#include "tensor/error.h"

namespace sunder {

namespace {

constexpr double unlimited = 1e9;  // from here on a range has no upper end worth naming

const char* type_name(const ConfigField& field) {
  static constexpr const char* names[] = {"a text",         "a whole number", "a whole number",
                                          "a whole number", "a number",       "true or false"};
  return names[field.value.index()];
}

std::string range(const ConfigField& field) {
  if (!field.choices.empty()) return fmt::format("one of {}", fmt::join(field.choices, ", "));
  if (field.high == field.low) return type_name(field);  // texts and switches
  if (field.high >= unlimited) return fmt::format("{} of at least {}", type_name(field), field.low);
  return fmt::format("{} from {} to {}", type_name(field), field.low, field.high);
}

[[noreturn]] void refuse(const ConfigField& field, const std::string& source, const std::string& text) {
  throw_error<UsageError>("{}: expected {}, got '{}'", source, range(field), text);
}

ConfigField& find(std::vector<ConfigField>& fields, const std::string& key, const std::string& source) {
  std::vector<std::string> keys;
  for (ConfigField& field : fields) {
    if (field.key == key) return field;
    keys.push_back(field.key);
  }
  std::string hint = suggest(key, keys);
  if (key.find('.') == std::string::npos) {  // perhaps only the section is missing
    for (const ConfigField& field : fields)
      if (field.key.ends_with("." + key)) hint = fmt::format(", did you mean '{}'?", field.key);
  }
  throw_error<UsageError>("{}: unknown key '{}'{}", source, key, hint);
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
bool allowed(const ConfigField& field, const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return field.choices.empty() || std::find(field.choices.begin(), field.choices.end(), value) != field.choices.end();
  } else if constexpr (std::is_same_v<T, bool>) {
    return true;
  } else {
    const auto number = static_cast<double>(value);
    return std::isfinite(number) && number >= field.low && number <= field.high;
  }
}

void assign(ConfigField& field, const std::string& text, const std::string& source) {
  std::visit(
      [&]<class T>(T* target) {
        T value{};
        if (!parse(text, value) || !allowed(field, value)) refuse(field, source, text);
        *target = value;
      },
      field.value);
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

std::string text_of(const ConfigField& field) {
  return std::visit([]<class T>(const T* value) { return fmt::format("{}", *value); }, field.value);
}

std::string toml_of(const ConfigField& field) {
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

void assign(ConfigField& field, const toml::node& node, const std::string& source) {
  const std::string name = source + ": " + field.key;
  std::visit(
      [&]<class T>(T*) {
        if constexpr (std::is_same_v<T, std::string>) {
          if (!node.is_string()) refuse(field, name, text_of(node));
          assign(field, node.ref<std::string>(), name);
        } else if constexpr (std::is_same_v<T, bool>) {
          if (!node.is_boolean()) refuse(field, name, text_of(node));
          assign(field, node.ref<bool>() ? "true" : "false", name);
        } else {
          // A whole number stands for a fraction too; never the other way round.
          if (node.is_integer()) return assign(field, std::to_string(node.ref<int64_t>()), name);
          if (!std::is_same_v<T, double> || !node.is_floating_point()) refuse(field, name, text_of(node));
          assign(field, fmt::format("{}", node.ref<double>()), name);
        }
      },
      field.value);
}

void apply(Config& config, const toml::table& table, const std::string& source) {
  std::vector<ConfigField> fields = config_fields(config);
  for (const auto& [section, content] : table) {
    const std::string name(section.str());
    if (!content.is_table()) {
      find(fields, name, source);
      continue;
    }
    for (const auto& [key, node] : *content.as_table())
      assign(find(fields, name + "." + std::string(key.str()), source), node, source);
  }
}

}  // namespace

void set_config(Config& config, const std::string& key, const std::string& text, const std::string& source) {
  std::vector<ConfigField> fields = config_fields(config);
  assign(find(fields, key, source), text, source);
}

void load_config(Config& config, const std::filesystem::path& path) {
  std::ifstream stream;
  if (std::filesystem::is_regular_file(path)) stream.open(path, std::ios::binary);
  if (!stream.is_open()) throw_error<InputError>("{}: cannot read", path.string());
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  apply(config, parse_toml(text, path.string()), path.string());
}

void load_config_environment(Config& config) {
  for (ConfigField& field : config_fields(config)) {
    std::string name = "SUNDER_" + field.key;
    for (char& c : name) c = c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const char* text = std::getenv(name.c_str());
    if (text && *text) assign(field, text, name);
  }
}

std::string to_toml(const Config& config) {
  Config copy = config;
  std::string result, section;
  for (const ConfigField& field : config_fields(copy)) {
    const size_t dot = field.key.find('.');
    if (field.key.substr(0, dot) != section) {
      section = field.key.substr(0, dot);
      result += fmt::format("{}[{}]\n", result.empty() ? "" : "\n", section);
    }
    result += fmt::format("{} = {}  # {}\n", field.key.substr(dot + 1), toml_of(field), field.help);
  }
  return result;
}

Config parse_config(const std::string& toml, const std::string& source) {
  Config config;
  apply(config, parse_toml(toml, source), source);
  return config;
}

std::vector<ConfigDifference> compare(const Config& before, const Config& after) {
  Config a = before, b = after;
  const auto old_fields = config_fields(a), new_fields = config_fields(b);
  std::vector<ConfigDifference> result;
  for (size_t i = 0; i < old_fields.size(); ++i) {
    const std::string was = text_of(old_fields[i]), is = text_of(new_fields[i]);
    if (was != is) result.push_back({old_fields[i].key, was, is, old_fields[i].fixed});
  }
  return result;
}

void check_resumable(const Config& saved, const Config& wanted, const std::filesystem::path& path) {
  std::vector<std::string> lines;
  for (const ConfigDifference& d : compare(saved, wanted))
    if (d.fixed) lines.push_back(fmt::format("{} = {} (now {})", d.key, d.before, d.after));
  if (!lines.empty())
    throw_error<ModelError>("{}: the run was started with {}; a resumed run cannot change it", path.string(),
                            fmt::join(lines, ", "));
}

}  // namespace sunder
