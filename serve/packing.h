// Several files in one answer.
#pragma once

#include "serve/answer.h"
#include "serve/parameters.h"
#include "serve/voices.h"

namespace sunder::serve {

// What is said of a recording beside its voices, in headers and in JSON.
struct Facts {
  std::string id;  // of the request
  int sample_rate = 0;
  double seconds = 0, real_time_factor = 0;
};

Answer pack(Packing packing, const Voices& voices, const Facts& facts);

}  // namespace sunder::serve
