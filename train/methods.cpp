#include <fmt/ranges.h>

#include "train/method.h"

namespace sunder {

// One row per method; train_<name>.cpp defines it.
#define SUNDER_METHODS(row) row(pit) row(mixit) row(mixpit) row(mixcycle) row(m2m) row(unssor)

#define SUNDER_DECLARE(name) extern const MethodDefinition name##_method;
SUNDER_METHODS(SUNDER_DECLARE)

const MethodDefinition& find_method(const std::string& name) {
#define SUNDER_ADDRESS(method) &method##_method,
  std::vector<std::string> known;
  for (const MethodDefinition* method : {SUNDER_METHODS(SUNDER_ADDRESS)}) {
    if (method->name == name) return *method;
    known.push_back(method->name);
  }
  throw UnknownName(fmt::format("method: expected one of {}, got '{}'", fmt::join(known, ", "), name), name, known);
}

}  // namespace sunder
