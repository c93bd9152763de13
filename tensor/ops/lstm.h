#pragma once

#include <vector>

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// A bidirectional LSTM of one layer from a zero state (Hochreiter and Schmidhuber, 1997; torch.nn.LSTM with
// bidirectional). With the rows i, f, g, o of W x_t + b + V h_{t-1} + d:
//   c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g),  h_t = sigmoid(o) tanh(c_t);
// the second direction runs from the last step to the first.
// x: (A, T, R, C) or (A, T, C), R = 1: the steps run along T, and each of the A R rows is a sequence of its own.
// weight_ih (W): (2, 4H, C), weight_hh (V): (2, 4H, H), bias_ih (b), bias_hh (d): (2, 4H), the forward direction first.
// y: (A, T, R, 2H) or (A, T, 2H): h of the forward direction, then of the other. float32 (TF32 on CUDA only), float64;
// on CUDA x, y and the matrices also bfloat16, with gradients of float32 for all but x. Throws Error for other shapes.
struct LstmWeights {
  Tensor weight_ih, weight_hh, bias_ih, bias_hh;
};
struct LstmResult {
  Tensor y;
  // For the backward pass, device-specific. CPU: gates (rows, 8H) after their activation functions and cells (rows,
  // 2H), rows in x's order. CUDA: cuDNN's weight space and reserve, and its x and y with the steps outermost.
  std::vector<Tensor> saved;
};
LstmResult lstm(const Tensor& x, const LstmWeights& weights, Tf32 tf32 = Tf32::off);

struct LstmGrads {
  Tensor x;  // left undefined unless wants_x
  LstmWeights weights;
};
LstmGrads lstm_backward(const Tensor& grad_y, const Tensor& x, const LstmWeights& weights, const LstmResult& result,
                        bool wants_x, Tf32 tf32 = Tf32::off);

SUNDER_KERNEL(lstm_forward, const Tensor& x, const LstmWeights& weights, Tf32 tf32, LstmResult& result)
SUNDER_KERNEL(lstm_backward, const Tensor& grad_y, const Tensor& x, const LstmWeights& weights,
              const LstmResult& result, Tf32 tf32, LstmGrads& grads)

// Sizes of an LSTM: A groups of R sequences, T steps, C inputs, H units a direction.
struct LstmSizes {
  int64_t groups, steps, rows, inputs, hidden;

  LstmSizes(const Tensor& x, const Tensor& weight_hh)
      : groups(x.size(0)),
        steps(x.size(1)),
        rows(x.dim() == 4 ? x.size(2) : 1),
        inputs(x.size(-1)),
        hidden(weight_hh.size(2)) {}
  int64_t sequences() const { return groups * rows; }
  int64_t all_rows() const { return groups * steps * rows; }
};

// These are rounded: the operands, h of every step, which the next step reads, and what cuDNN saves between the passes.
// (bfloat16 on an H200 with cuDNN 9: gradients of weights up to 2.6 units off, of 280 rows.)
inline constexpr double lstm_bfloat16_error = 3 * bfloat16_unit, lstm_tf32_error = 2 * tf32_unit;

}  // namespace sunder
