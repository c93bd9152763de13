// Bidirectional LSTMs of one layer on a CUDA device (cuDNN), by plans that are kept for the next call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

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

// Where a matrix and a bias of one gate lie in the weight space: (H, C) or (H, H), and (H).
struct RnnPiece {
  Tensor matrix, bias;
};

// A vector of the key's dtype that holds the weights as cuDNN wants them, zeros.
Tensor rnn_weight_space(const RnnKey& key);
// Views into a weight space (or one of gradients): for each direction the matrices of x of the gates i, f, g, o, then
// those of h. 16 pieces.
std::vector<RnnPiece> rnn_pieces(const RnnKey& key, const Tensor& weight_space);

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
