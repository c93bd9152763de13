// Every case, one line each. A test compares this list with the files of tensor/ops and autograd/ops.
#pragma once

#include "tests/cases/case.h"

namespace sunder::cases {

Case accumulate_case();
Case prelu_case();

inline std::vector<Case> all() {
  return {
      accumulate_case(),
      prelu_case(),
  };
}

}  // namespace sunder::cases
