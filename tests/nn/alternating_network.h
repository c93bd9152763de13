// A network for tests of what is done with estimates.
#pragma once

#include <algorithm>

#include "nn/separator.h"

namespace sunder {

// Gives what is above zero and what is below, in an order that changes with every call: a network owes none.
class Alternating : public Separator {
 public:
  Variable forward(const Tensor& mixture) const override {
    longest = std::max(longest, mixture.size(1));
    const int64_t batch = mixture.size(0), length = mixture.size(1);
    const Tensor estimates = Tensor::empty({batch, 2, length}, DType::float32);
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t t = 0; t < length; ++t) {
        const float x = mixture.data<float>()[b * length + t];
        estimates.mutable_data<float>()[(2 * b + calls % 2) * length + t] = std::max(x, 0.0f);
        estimates.mutable_data<float>()[(2 * b + 1 - calls % 2) * length + t] = std::min(x, 0.0f);
      }
    ++calls;
    return Variable(estimates);
  }
  int64_t sources() const override { return 2; }
  int64_t shortest_input() const override { return 10; }
  std::map<std::string, std::string> metadata() const override { return {}; }

  mutable int64_t calls = 0, longest = 0;
};

}  // namespace sunder
