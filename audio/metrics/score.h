// A score, or the reason why there is none.
#pragma once

#include <optional>

namespace sunder {

struct Score {
  std::optional<double> value;    // never NaN
  const char* missing = nullptr;  // the reason if `value` is empty, such as "the reference is silent"
};

}  // namespace sunder
