// The errors by which the ranks of a run learn that it cannot go on.
#pragma once

#include "tensor/error.h"

namespace sunder {

// Another rank is gone, does not answer, or has ended the run; the message names it and, where it is known, the reason.
struct RankLost : Error {
  using Error::Error;
};

}  // namespace sunder
