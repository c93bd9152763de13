#include "tensor/ops/lstm.h"

#include "tensor/cuda/rnn.h"
#include "tensor/ops/copy_all.h"
#include "tensor/ops/permute.h"

// The steps are cuDNN's. It reads weights from a space of its own, into which one launch copies the parameters (a
// thousandth of what the steps move), and wants the steps outermost, as they are where A = 1.
namespace sunder {
namespace {

cuda::RnnKey key_of(const Tensor& x, const LstmSizes& s, Tf32 tf32) {
  return {s.steps, s.sequences(), s.inputs, s.hidden, x.dtype(), tf32, x.stream()};
}

// (A, T, R, C) -> (T, A, R, C), or the other way round.
Tensor exchanged(const Tensor& x, int64_t first, int64_t second, int64_t rows) {
  const Tensor wide = x.reshape({first, second, rows, x.size(-1)});
  return first == 1 || second == 1 ? wide.reshape({second, first, rows, x.size(-1)}) : permute(wide, {1, 0, 2, 3});
}

// The parameters in the order of rnn_pieces, each gate by itself. `matrices`: of the weights, else of the biases.
std::vector<Tensor> gates_of(const LstmWeights& w, bool matrices) {
  std::vector<Tensor> result;
  for (int64_t k = 0; k < 16; ++k) {
    const bool input = k % 8 < 4;
    const Tensor& both = matrices ? (input ? w.weight_ih : w.weight_hh) : (input ? w.bias_ih : w.bias_hh);
    const int64_t hidden = both.size(1) / 4, gate = k / 8 * 4 + k % 4;
    const Tensor rows = both.reshape({8 * hidden, matrices ? both.size(2) : 1});
    const Tensor one = rows.slice(gate * hidden, (gate + 1) * hidden);
    result.push_back(matrices ? one : one.reshape({hidden}));
  }
  return result;
}

std::vector<Tensor> places_of(const std::vector<cuda::RnnPiece>& pieces) {
  std::vector<Tensor> result;
  for (const auto& piece : pieces) result.push_back(piece.matrix);
  for (const auto& piece : pieces) result.push_back(piece.bias);
  return result;
}

std::vector<Tensor> gates_of(const LstmWeights& w) {
  std::vector<Tensor> result = gates_of(w, true);
  for (Tensor& bias : gates_of(w, false)) result.push_back(std::move(bias));
  return result;
}

}  // namespace

void cuda::lstm_forward(const Tensor& x, const LstmWeights& weights, Tf32 tf32, LstmResult& result) {
  if (result.y.numel() == 0) return;
  const LstmSizes s(x, weights.weight_hh);
  const RnnKey key = key_of(x, s, tf32);
  const DType dtype = compute_dtype(x.dtype());
  const Tensor wide = rnn_weight_space(key).cast(dtype);
  sunder::copy_all(
      gates_of({weights.weight_ih.cast(dtype), weights.weight_hh.cast(dtype), weights.bias_ih, weights.bias_hh}),
      places_of(rnn_pieces(key, wide)));
  const Tensor space = wide.cast(x.dtype());
  const Tensor in = exchanged(x, s.groups, s.steps, s.rows);
  const Tensor out = Tensor::empty({s.steps, s.groups, s.rows, 2 * s.hidden}, x.dtype(), x.stream());
  const Tensor reserve = rnn_forward(key, in, space, out);
  result.y = exchanged(out, s.steps, s.groups, s.rows).reshape(result.y.shape());
  result.kept = {space, reserve, in, out};
}

void cuda::lstm_backward(const Tensor& grad_y, const Tensor& x, const LstmWeights& weights, const LstmResult& result,
                         Tf32 tf32, LstmGrads& grads) {
  LstmWeights& d = grads.weights;
  if (grad_y.numel() == 0) {
    for (const Tensor* grad : {&d.weight_ih, &d.weight_hh, &d.bias_ih, &d.bias_hh}) grad->zero();
    return;
  }
  const LstmSizes s(x, weights.weight_hh);
  const RnnKey key = key_of(x, s, tf32);
  const Tensor &space = result.kept[0], &reserve = result.kept[1], &in = result.kept[2], &out = result.kept[3];
  const Tensor grad_in = Tensor::empty_like(in);
  rnn_backward_data(key, out, exchanged(grad_y, s.groups, s.steps, s.rows), space, reserve, grad_in);
  if (grads.x.defined()) grads.x = exchanged(grad_in, s.steps, s.groups, s.rows).reshape(x.shape());
  const Tensor grad_space = rnn_weight_space(key);
  rnn_backward_weights(key, in, out, reserve, grad_space);
  const Tensor wide = grad_space.cast(compute_dtype(x.dtype()));
  sunder::copy_all(places_of(rnn_pieces(key, wide)), gates_of(d));
}

}  // namespace sunder
