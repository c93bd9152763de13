// Settings. A configuration struct lists its fields once, with name, meaning, range and place; recipes (TOML), --set,
// the environment, a model file's metadata, the check of ranges and the printed configuration are all derived from that
// list.
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
  double low = 0, high = 0;            // of numbers, both included
  std::vector<std::string> choices{};  // of texts; empty: any text
  bool fixed = true;                   // a resumed run cannot change it
  std::string former_name{};           // what it was called in older files; empty: the same
  std::vector<Field> also{};           // fields that have the same name elsewhere and always get the same value
};
// The pointers live as long as the struct that made the list.
using Fields = std::vector<Field>;

inline constexpr double no_limit = 1e308;            // of a number's range
inline constexpr double many = 1e9;                  // the most a count may be: fits an int
inline constexpr double largest_exact = 0x1p53 - 1;  // of a 64-bit count: a double and TOML's integers hold it

template <class T>
Field number(const char* name, T* value, double low, double high, const char* help) {
  return {name, help, value, low, high};
}
Field text(const char* name, std::string* value, const char* help, std::vector<std::string> choices = {});
Field flag(const char* name, bool* value, const char* help);
// A resumed run may have another value.
Field changeable(Field field);
// Files of older versions may call it `former`; where they are not accepted the error names the new name.
Field renamed(Field field, const char* former);
// The other field is the same setting: it is set with this one.
Field together(Field field, Field other);
// Two lists as one, where a name that stands in both is one field that sets both.
Fields merged(Fields fields, const Fields& others);
// The same fields as "section.name".
Fields in_section(const std::string& section, Fields fields);
// One list after another.
Fields operator+(Fields left, const Fields& right);

// Which names of a file are read: those of today, or also those of older versions (a run or model file made by one).
enum class Names { current, also_former };

// Sets one field from a text. `source` begins the messages ("--batch", "RECIPE: optim.lr"). Throws UsageError for a
// value of the wrong type or out of range.
void assign(const Field& field, const std::string& value, const std::string& source);
// The field of that name. Throws UnknownName, or UsageError with the new name for a former one that is not accepted.
const Field& find(const Fields& fields, const std::string& name, const std::string& source,
                  Names names = Names::current);
// The value as text that assign() reads back to the bit.
std::string text_of(const Field& field);

// Fields named "section.name" from and to TOML, one table a section, with their help as comments. Throws as assign and
// find do, and UsageError for a value of another type.
void read_toml(const Fields& fields, const toml::table& table, const std::string& source, Names names);
std::string to_toml(const Fields& fields);

// Throws UsageError for a value out of its range: structs are also filled by hand.
void check_ranges(const Fields& fields, const std::string& source);

// A model file's metadata: one text a field. Keys that are no fields are left alone, fields without a key keep their
// value. Throws ModelError for a value that the field cannot have.
void read_metadata(const Fields& fields, const std::map<std::string, std::string>& metadata, const std::string& source);
void write_metadata(const Fields& fields, std::map<std::string, std::string>& metadata);

}  // namespace sunder
