// Bidirectional one-layer LSTMs without biases on a CUDA device (cuDNN), with cached plans.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tensor/tensor.h"

namespace sunder::cuda {

// The key of a plan. x and y have the steps outermost: (T, N, C) and (T, N, 2H). dtype: float32, float64 or bfloat16.
// All sizes are at least 1.
struct RnnKey {
  int64_t steps, sequences, inputs, hidden;
  DType dtype;
  Tf32 tf32;
  Stream stream;
  bool operator==(const RnnKey&) const = default;
};

// Uninitialised memory for the weights in cuDNN's layout, of the key's dtype.
Tensor rnn_weight_space(const RnnKey& key);
// The offsets of the matrices in a weight space (or one of gradients), in elements; row major, contiguous. For each
// direction the matrices of x for the gates i, f, g, o, (H, C) each, then those of h, (H, H).
std::array<int64_t, 16> rnn_matrices(const RnnKey& key, const Tensor& weight_space);
// Returns the reserve, which both backward calls need. The first call with a key creates its plan, and the first on a
// stream a cuDNN handle, which is not possible during a capture.
Tensor rnn_forward(const RnnKey& key, const Tensor& x, const Tensor& weight_space, const Tensor& y);
// Overwrites the reserve.
void rnn_backward_data(const RnnKey& key, const Tensor& y, const Tensor& grad_y, const Tensor& weight_space,
                       const Tensor& reserve, const Tensor& grad_x);
// After rnn_backward_data with the same reserve. Adds to grad_space.
void rnn_backward_weights(const RnnKey& key, const Tensor& x, const Tensor& y, const Tensor& reserve,
                          const Tensor& grad_space);

// At most this many plans are cached; the least recently used is evicted. A handle that a graph was captured with
// stays while the graph lives.
inline constexpr size_t rnn_plan_limit = 16;
size_t rnn_plan_count();
// Destroy all plans and handles, captured ones too, or those of one stream. A graph captured with them must not be
// launched afterwards.
void clear_rnn_plans();
void forget_rnn_plans(Stream stream);

}  // namespace sunder::cuda
