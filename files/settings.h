// Settings. A configuration struct lists its fields once, with name, help, range and pointer. Recipes (TOML), --set,
// the environment, a model file's metadata, range checks and the printed configuration are all derived from this list.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "files/toml.h"

namespace sunder {

struct Field {
  std::string name;  // "lr"; in a list of several structs "optim.lr" (in_section)
  std::string help;
  std::variant<std::string*, int*, int64_t*, uint64_t*, double*, bool*> value;
  double low = 0, high = 0;            // of numbers, inclusive
  std::vector<std::string> choices{};  // of strings; empty: any string
  bool fixed = true;                   // a resumed run cannot change it
  std::string former_name{};           // its name in older files; empty: the same
  std::vector<Field> also{};           // fields of the same name elsewhere, always set with this one
  bool excludes_high = false;          // the number must stay below `high`
};
// The pointers are valid as long as the struct that made the list.
using Fields = std::vector<Field>;

inline constexpr double no_limit = 1e308;            // of a number's range
inline constexpr double many = 1e9;                  // the largest count: fits an int
inline constexpr double largest_exact = 0x1p53 - 1;  // the largest 64-bit count: exact in a double and in TOML

template <class T>
Field number(const char* name, T* value, double low, double high, const char* help) {
  return {name, help, value, low, high};
}
Field text(const char* name, std::string* value, const char* help, std::vector<std::string> choices = {});
Field flag(const char* name, bool* value, const char* help);
// Its largest value itself is not allowed.
Field below(Field field);
// A resumed run may have another value.
Field changeable(Field field);
// Files of older versions may call it `former`. Where former names are not accepted, the error gives the new one.
Field renamed(Field field, const char* former);
// The other field is the same setting: it is set with this one.
Field together(Field field, Field other);
// Both lists as one; a name in both becomes one field that sets both.
Fields merged(Fields fields, const Fields& others);
// The same fields as "section.name".
Fields in_section(const std::string& section, Fields fields);
// One list after another.
Fields operator+(Fields left, const Fields& right);

// Which names are accepted: current ones, or also former ones (run and model files of older versions).
enum class Names { current, also_former };

// Sets a field from a string. Messages begin with `source` ("--batch", "RECIPE: optim.lr"). Throws UsageError for a
// value of the wrong type or out of range.
void assign(const Field& field, const std::string& value, const std::string& source);
// The field of that name. Throws UnknownName, or UsageError with the new name for a former one that is not accepted.
const Field& find(const Fields& fields, const std::string& name, const std::string& source,
                  Names names = Names::current);
// The value as a string from which assign() restores every bit.
std::string text_of(const Field& field);

// Fields named "section.name" from and to TOML, one table per section, with their help as comments. Throws like assign
// and find, and UsageError for a value of another type.
void read_toml(const Fields& fields, const toml::table& table, const std::string& source, Names names);
std::string to_toml(const Fields& fields);

// Throws UsageError for a value out of range; structs are also filled in code.
void check_ranges(const Fields& fields, const std::string& source);

// A model file's metadata: one string per field. Keys without a field are ignored; fields without a key keep their
// value. Throws ModelError for an invalid value.
void read_metadata(const Fields& fields, const std::map<std::string, std::string>& metadata, const std::string& source);
void write_metadata(const Fields& fields, std::map<std::string, std::string>& metadata);

}  // namespace sunder
