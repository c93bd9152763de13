// Bidirectional LSTMs of one layer without biases on a CUDA device (cuDNN), by plans that are kept for the next call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tensor/tensor.h"

namespace sunder::cuda {

// What a plan is made for; x and y have the steps outermost: (T, N, C) and (T, N, 2H). dtype: float32, float64 or
// bfloat16. All sizes at least 1.
struct RnnKey {
  int64_t steps, sequences, inputs, hidden;
  DType dtype;
  Tf32 tf32;
  Stream stream;
  bool operator==(const RnnKey&) const = default;
};

// Uninitialised memory for the weights as cuDNN wants them, of the key's dtype.
Tensor rnn_weight_space(const RnnKey& key);
// Where the matrices begin in a weight space (or one of gradients), in elements; row major, without gaps. For each
// direction those of x of the gates i, f, g, o, (H, C) each, then those of h, (H, H).
std::array<int64_t, 16> rnn_matrices(const RnnKey& key, const Tensor& weight_space);
// Returns the reserve, which both backward calls need. The first call of a key makes its plan, and the first on a
// stream a cuDNN handle, which must not happen in a capture.
Tensor rnn_forward(const RnnKey& key, const Tensor& x, const Tensor& weight_space, const Tensor& y);
// Overwrites the reserve.
void rnn_backward_data(const RnnKey& key, const Tensor& y, const Tensor& grad_y, const Tensor& weight_space,
                       const Tensor& reserve, const Tensor& grad_x);
// After rnn_backward_data with the same reserve. Adds to grad_space.
void rnn_backward_weights(const RnnKey& key, const Tensor& x, const Tensor& y, const Tensor& reserve,
                          const Tensor& grad_space);

// Plans and handles kept; the one used longest ago goes first, but no handle that a graph was captured with.
inline constexpr size_t rnn_plan_limit = 16;
size_t rnn_plan_count();
// Frees all, captured ones too, or those of one stream; no graph captured with them may be launched after it.
void clear_rnn_plans();
void forget_rnn_plans(Stream stream);

}  // namespace sunder::cuda
