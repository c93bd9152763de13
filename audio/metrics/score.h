// One score, or why there is none.
#pragma once

#include <optional>

namespace sunder {

struct Score {
  std::optional<double> value;    // never NaN
  const char* missing = nullptr;  // where `value` is empty: half a sentence, "the reference is silent"
};

}  // namespace sunder
