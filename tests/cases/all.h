// Every case, made once. The list is cmake/ops.cmake's; a test compares it with the files of tensor/ops and autograd/ops.
#pragma once

#include "tests/cases/case.h"

namespace sunder::cases {

#define SUNDER_CASE(op) Case op##_case();
#include "cases.inc"
#undef SUNDER_CASE

inline const std::vector<Case>& all() {
#define SUNDER_CASE(op) op##_case(),
  static const std::vector<Case> cases = {
#include "cases.inc"
  };
#undef SUNDER_CASE
  return cases;
}

}  // namespace sunder::cases
