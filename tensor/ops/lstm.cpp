#include "tensor/ops/lstm.h"

#include <algorithm>

#include "tensor/blas.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/vector_math.h"

namespace sunder {
namespace {

// Rows of one step that a task takes: enough for full products, few enough for the gates of a step to stay in the
// cache.
constexpr int64_t most_rows = 64;

// A matrix without its own memory.
template <class T>
struct Rows {
  T* data;
  int64_t stride;
  T* operator[](int64_t row) const { return data + row * stride; }
};

// gates: W x + V h of one step (4H), made i, f, g, o here; cells, y: (H). before: the cells of the step before, or
// null.
template <class T>
SUNDER_SIMD void lstm_cells(const T* bias, Rows<T> gates, Rows<const T> before, Rows<T> cells, Rows<T> y, int64_t rows,
                            int64_t hidden) {
  for (int64_t row = 0; row < rows; ++row) {
    T *i = gates[row], *f = i + hidden, *g = f + hidden, *o = g + hidden, *c = cells[row], *h = y[row];
    const T* last = before.data ? before[row] : nullptr;
#pragma omp simd
    for (int64_t k = 0; k < hidden; ++k) {
      i[k] = fast_sigmoid(i[k] + bias[k]);
      g[k] = fast_tanh(g[k] + bias[2 * hidden + k]);
      o[k] = fast_sigmoid(o[k] + bias[3 * hidden + k]);
      c[k] = i[k] * g[k];
    }
#pragma omp simd
    for (int64_t k = 0; k < hidden; ++k) f[k] = fast_sigmoid(f[k] + bias[hidden + k]);
    if (last) {
#pragma omp simd
      for (int64_t k = 0; k < hidden; ++k) c[k] += f[k] * last[k];
    }
#pragma omp simd
    for (int64_t k = 0; k < hidden; ++k) h[k] = o[k] * fast_tanh(c[k]);
  }
}

// dh, dc: (rows, H) gradients that come from the step after; dc becomes the one for the step before. d: (4H) of the
// sums that enter the gates.
template <class T>
SUNDER_SIMD void lstm_cells_backward(Rows<const T> dy, const T* dh, T* dc, Rows<const T> gates, Rows<const T> before,
                                     Rows<const T> cells, Rows<T> d, int64_t rows, int64_t hidden) {
  for (int64_t row = 0; row < rows; ++row, dh += hidden, dc += hidden) {
    const T *i = gates[row], *f = i + hidden, *g = f + hidden, *o = g + hidden, *c = cells[row], *out = dy[row];
    T *di = d[row], *df = di + hidden, *dg = df + hidden, *do_ = dg + hidden;
    const T* last = before.data ? before[row] : nullptr;
#pragma omp simd
    for (int64_t k = 0; k < hidden; ++k) {
      const T h = dh[k] + out[k], squashed = fast_tanh(c[k]);
      const T cell = dc[k] + h * o[k] * (T(1) - squashed * squashed);
      do_[k] = h * squashed * o[k] * (T(1) - o[k]);
      di[k] = cell * g[k] * i[k] * (T(1) - i[k]);
      dg[k] = cell * i[k] * (T(1) - g[k] * g[k]);
      df[k] = cell * f[k] * (T(1) - f[k]);
      dc[k] = cell * f[k];
    }
    if (!last) std::fill_n(df, hidden, T(0));
    else {
#pragma omp simd
      for (int64_t k = 0; k < hidden; ++k) df[k] *= last[k];
    }
  }
}

// Where a task's sequences lie, in rows of x: row r at step t is first + t * step + r * stride.
struct Block {
  int direction;
  int64_t first, rows, step, stride, steps;

  // Row 0 of the n-th step that the direction takes.
  int64_t at(int64_t n) const { return first + (direction == 0 ? n : steps - 1 - n) * step; }
};

// The sequences cut into blocks, each for both directions. Borders depend on the sizes alone.
template <class Task>
void for_blocks(const LstmSizes& s, const Task& task) {
  if (s.steps == 0) return;
  // Where a step has one row a group, the rows of all groups make one block: they lie T apart.
  const bool apart = s.rows == 1;
  const int64_t groups = apart ? 1 : s.groups, rows = apart ? s.groups : s.rows;
  const int64_t pieces = (rows + most_rows - 1) / most_rows, size = pieces > 0 ? (rows + pieces - 1) / pieces : 0;
  const int64_t stride = apart ? s.steps : 1, step = apart ? 1 : s.rows;
  parallel_for(2 * groups * pieces, 1, [&](int64_t begin, int64_t) {
    const int64_t piece = begin / 2 % pieces, group = begin / 2 / pieces;
    task(Block{static_cast<int>(begin % 2), group * s.steps * s.rows + piece * size * stride,
               std::min(size, rows - piece * size), step, stride, s.steps});
  });
}

// (2, n, k) -> (2, k, n), so that products read both operands along their rows: a quarter faster for a few rows.
template <class T>
std::vector<T> transposed(const Tensor& weight) {
  const int64_t n = weight.size(1), k = weight.size(2);
  std::vector<T> result(weight.numel());
  for (int64_t d = 0; d < 2; ++d)
    for (int64_t row = 0; row < n; ++row)
      for (int64_t c = 0; c < k; ++c) result[(d * k + c) * n + row] = weight.data<T>()[(d * n + row) * k + c];
  return result;
}

}  // namespace

void cpu::lstm_forward(const Tensor& x, const LstmWeights& weights, Tf32, LstmResult& result) {
  const LstmSizes s(x, weights.weight_hh);
  const int64_t inputs = s.inputs, hidden = s.hidden;
  result.kept = {Tensor::empty({s.all_rows(), 8 * hidden}, x.dtype()),
                 Tensor::empty({s.all_rows(), 2 * hidden}, x.dtype())};
  visit_real("lstm", x.dtype(), [&]<class T>() {
    const std::vector<T> from_input = transposed<T>(weights.weight_ih), from_hidden = transposed<T>(weights.weight_hh);
    std::vector<T> bias(8 * hidden);
    for (int64_t k = 0; k < 8 * hidden; ++k) bias[k] = weights.bias_ih.data<T>()[k] + weights.bias_hh.data<T>()[k];
    for_blocks(s, [&](const Block& b) {
      const int64_t d = b.direction;
      const auto rows_of = [&](const Tensor& tensor, int64_t width, int64_t offset, int64_t row) {
        return Rows<T>{tensor.mutable_data<T>() + row * width + offset, b.stride * width};
      };
      for (int64_t n = 0; n < b.steps; ++n) {
        const int64_t now = b.at(n), last = b.at(n - 1);
        const Rows<T> gates = rows_of(result.kept[0], 8 * hidden, d * 4 * hidden, now);
        blas::gemm(false, false, b.rows, 4 * hidden, inputs, T(1), x.data<T>() + now * inputs, b.stride * inputs,
                   from_input.data() + d * 4 * hidden * inputs, 4 * hidden, T(0), gates.data, gates.stride);
        Rows<const T> before{nullptr, 0};
        if (n > 0) {
          const Rows<T> h = rows_of(result.y, 2 * hidden, d * hidden, last);
          blas::gemm(false, false, b.rows, 4 * hidden, hidden, T(1), h.data, h.stride,
                     from_hidden.data() + d * 4 * hidden * hidden, 4 * hidden, T(1), gates.data, gates.stride);
          const Rows<T> cells = rows_of(result.kept[1], 2 * hidden, d * hidden, last);
          before = {cells.data, cells.stride};
        }
        lstm_cells<T>(bias.data() + d * 4 * hidden, gates, before, rows_of(result.kept[1], 2 * hidden, d * hidden, now),
                      rows_of(result.y, 2 * hidden, d * hidden, now), b.rows, hidden);
      }
    });
  });
}

void cpu::lstm_backward(const Tensor& grad_y, const Tensor& x, const LstmWeights& weights, const LstmResult& result,
                        Tf32, LstmGrads& grads) {
  const LstmSizes s(x, weights.weight_hh);
  const int64_t inputs = s.inputs, hidden = s.hidden, rows = s.all_rows();
  const Tensor &gates = result.kept[0], &cells = result.kept[1], sums = Tensor::empty_like(gates);
  visit_real("lstm", x.dtype(), [&]<class T>() {
    for_blocks(s, [&](const Block& b) {
      const int64_t d = b.direction;
      std::vector<T> dh(b.rows * hidden, T(0)), dc(b.rows * hidden, T(0));
      const auto rows_of = [&](const Tensor& tensor, int64_t width, int64_t offset, int64_t row) {
        return Rows<T>{tensor.mutable_data<T>() + row * width + offset, b.stride * width};
      };
      const auto read = [](const Rows<T>& from) { return Rows<const T>{from.data, from.stride}; };
      for (int64_t n = b.steps - 1; n >= 0; --n) {
        const int64_t now = b.at(n);
        if (n + 1 < b.steps) {
          const Rows<T> after = rows_of(sums, 8 * hidden, d * 4 * hidden, b.at(n + 1));
          blas::gemm(false, false, b.rows, hidden, 4 * hidden, T(1), after.data, after.stride,
                     weights.weight_hh.data<T>() + d * 4 * hidden * hidden, hidden, T(0), dh.data(), hidden);
        }
        Rows<const T> before{nullptr, 0};
        if (n > 0) before = read(rows_of(cells, 2 * hidden, d * hidden, b.at(n - 1)));
        lstm_cells_backward<T>(read(rows_of(grad_y, 2 * hidden, d * hidden, now)), dh.data(), dc.data(),
                               read(rows_of(gates, 8 * hidden, d * 4 * hidden, now)), before,
                               read(rows_of(cells, 2 * hidden, d * hidden, now)),
                               rows_of(sums, 8 * hidden, d * 4 * hidden, now), b.rows, hidden);
      }
    });
    const T* dg = sums.data<T>();
    if (grads.x.defined())
      blas::parallel_gemm<T>(false, false, rows, inputs, 8 * hidden, 1, dg, 8 * hidden, weights.weight_ih.data<T>(),
                             inputs, 0, grads.x.mutable_data<T>(), inputs);
    blas::parallel_gemm<T>(true, false, 8 * hidden, inputs, rows, 1, dg, 8 * hidden, x.data<T>(), inputs, 0,
                           grads.weights.weight_ih.mutable_data<T>(), inputs);
    blas::column_sums(dg, rows, 8 * hidden, grads.weights.bias_ih.mutable_data<T>());
    grads.weights.bias_hh.copy_from(grads.weights.bias_ih);
    // The step before of a group's steps lies `s.rows` rows before, or behind for the other direction.
    grads.weights.weight_hh.zero();
    const int64_t pairs = (s.steps - 1) * s.rows;
    if (pairs <= 0) return;
    parallel_for(8, 1, [&](int64_t task, int64_t) {  // a direction's gate each
      const int64_t d = task / 4;
      for (int64_t group = 0; group < s.groups; ++group) {
        const int64_t first = group * s.steps * s.rows;
        blas::gemm(true, false, hidden, hidden, pairs, T(1),
                   dg + (first + (d == 0 ? s.rows : 0)) * 8 * hidden + task * hidden, 8 * hidden,
                   result.y.data<T>() + (first + (d == 0 ? 0 : s.rows)) * 2 * hidden + d * hidden, 2 * hidden, T(1),
                   grads.weights.weight_hh.mutable_data<T>() + task * hidden * hidden, hidden);
      }
    });
  });
}

namespace {

void check(const Tensor& x, const LstmWeights& w, Tf32 tf32) {
  check_tf32("lstm", x, tf32);
  check_alike("lstm", {&x, &w.weight_ih, &w.weight_hh});
  check_parameters("lstm", x, {&w.bias_ih, &w.bias_hh});
  if (x.dim() != 3 && x.dim() != 4)
    throw_error("[lstm] expected x of shape (A, T, C) or (A, T, R, C), got {}", describe(x));
  check_dim("lstm", "weight_hh", w.weight_hh, 3);
  const int64_t hidden = w.weight_hh.size(2);
  if (hidden < 1) throw_error("[lstm] expected at least one hidden unit, got weight_hh of {}", describe(w.weight_hh));
  check_shape("lstm", "weight_hh", w.weight_hh, {2, 4 * hidden, hidden});
  check_shape("lstm", "weight_ih", w.weight_ih, {2, 4 * hidden, x.size(-1)});
  check_shape("lstm", "bias_ih", w.bias_ih, {2, 4 * hidden});
  check_shape("lstm", "bias_hh", w.bias_hh, {2, 4 * hidden});
}

Shape output_shape(const Tensor& x, const Tensor& weight_hh) {
  Shape shape = x.shape();
  shape.back() = 2 * weight_hh.size(2);
  return shape;
}

}  // namespace

LstmResult lstm(const Tensor& x, const LstmWeights& weights, Tf32 tf32) {
  check(x, weights, tf32);
  LstmResult result{Tensor::empty(output_shape(x, weights.weight_hh), x.dtype(), x.stream()), {}};
  SUNDER_DISPATCH(lstm_forward, x.device())(x, weights, tf32, result);
  return result;
}

LstmGrads lstm_backward(const Tensor& grad_y, const Tensor& x, const LstmWeights& weights, const LstmResult& result,
                        bool wants_x, Tf32 tf32) {
  check(x, weights, tf32);
  check_alike("lstm_backward", {&grad_y, &x});
  check_shape("lstm_backward", "grad_y", grad_y, output_shape(x, weights.weight_hh));
  LstmGrads grads{wants_x ? Tensor::empty_like(x) : Tensor(),
                  {empty_gradient(weights.weight_ih), empty_gradient(weights.weight_hh),
                   empty_gradient(weights.bias_ih), empty_gradient(weights.bias_hh)}};
  SUNDER_DISPATCH(lstm_backward, x.device())(grad_y, x, weights, result, tf32, grads);
  return grads;
}

}  // namespace sunder
