#include "tensor/ops/lstm.h"

#include <algorithm>

#include "tensor/blas.h"
#include "tensor/ops/accumulate.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/vector_math.h"

namespace sunder {
namespace {

// Rows of a step per task: enough for full-size products, few enough for the gates of a step to stay in the cache.
constexpr int64_t max_rows = 64;

// A view of a matrix.
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

template <class T>
SUNDER_INLINE void prefetch(Rows<const T> rows, int64_t row, int64_t width) {
  constexpr int64_t line = 64 / sizeof(T);
  if (rows.data)
    for (int64_t k = 0; k < width; k += line) __builtin_prefetch(rows[row] + k);
}

// What the forward pass saved of one step. before, h: the cells and the output of the step before, or null.
template <class T>
struct Saved {
  Rows<const T> gates, cells, before, x, h;
};

// dh, dc: (rows, H) gradients from the next step; dc becomes the gradient for the step before. d: (rows, 4H) gradients
// of the sums that enter the gates, also summed over the rows into `bias`. What the forward pass saved is far from the
// cache and in an order that the processor does not predict, so its rows are prefetched, with x and h for the products
// that follow (an eighth of a small TF-GridNet's step).
template <class T>
SUNDER_SIMD void lstm_cells_backward(Rows<const T> dy, const T* dh, T* dc, const Saved<T>& saved, T* d, T* bias,
                                     int64_t rows, int64_t inputs, int64_t hidden) {
  constexpr int64_t ahead = 4;
  for (int64_t row = 0; row < rows; ++row, dh += hidden, dc += hidden, d += 4 * hidden) {
    const T *i = saved.gates[row], *f = i + hidden, *g = f + hidden, *o = g + hidden, *c = saved.cells[row];
    const T* out = dy[row];
    T *di = d, *df = di + hidden, *dg = df + hidden, *do_ = dg + hidden;
    const T* last = saved.before.data ? saved.before[row] : nullptr;
    if (row + ahead < rows) {
      prefetch(saved.gates, row + ahead, 4 * hidden);
      prefetch(saved.before, row + ahead, hidden);
      prefetch(dy, row + ahead, hidden);
    }
    prefetch(saved.x, row, inputs);
    prefetch(saved.h, row, hidden);
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
#pragma omp simd
    for (int64_t k = 0; k < 4 * hidden; ++k) bias[k] += d[k];
  }
}

// Where a task's sequences are, in rows of x: row r at step t is first + t * step + r * stride.
struct Block {
  int64_t index, direction;  // of 2 x block_count
  int64_t first, rows, step, stride, steps;

  // Row 0 of the n-th step that the direction takes.
  int64_t at(int64_t n) const { return first + (direction == 0 ? n : steps - 1 - n) * step; }
};

// The sequences are split into blocks, each for both directions. Borders depend on the sizes alone. Where a group has
// one row per step, the rows of all groups form one block: they are T apart.
struct Blocks {
  int64_t groups, rows, pieces, size, stride, step;

  explicit Blocks(const LstmSizes& s)
      : groups(s.rows == 1 ? 1 : s.groups),
        rows(s.rows == 1 ? s.groups : s.rows),
        pieces((rows + max_rows - 1) / max_rows),
        size(pieces > 0 ? (rows + pieces - 1) / pieces : 0),
        stride(s.rows == 1 ? s.steps : 1),
        step(s.rows == 1 ? 1 : s.rows) {}
  int64_t count() const { return groups * pieces; }
};

template <class Task>
void for_blocks(const LstmSizes& s, const Task& task) {
  const Blocks blocks(s);
  parallel_for(s.steps > 0 ? 2 * blocks.count() : 0, 1, [&](int64_t index, int64_t) {
    const int64_t piece = index / 2 % blocks.pieces, group = index / 2 / blocks.pieces;
    task(Block{index, index % 2, group * s.steps * s.rows + piece * blocks.size * blocks.stride,
               std::min(blocks.size, blocks.rows - piece * blocks.size), blocks.step, blocks.stride, s.steps});
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

// The gradients that one block computes for one direction: of W, V and the bias, one after the other.
int64_t weight_count(const LstmSizes& s) { return 4 * s.hidden * (s.inputs + s.hidden + 1); }

// Sums the blocks' gradients in order, in float64.
template <class T>
void add_weight_gradients(const LstmSizes& s, const Tensor& of_blocks, const LstmWeights& grads) {
  const int64_t count = weight_count(s), inputs = 4 * s.hidden * s.inputs, hidden = 4 * s.hidden * s.hidden;
  parallel_for(2 * count, 1 << 12, [&](int64_t begin, int64_t end) {
    std::vector<double> total(end - begin, 0.0);
    for (int64_t block = 0; block < of_blocks.size(0); ++block)
      for (int64_t k = begin; k < end; ++k) total[k - begin] += of_blocks.data<T>()[block * 2 * count + k];
    for (int64_t k = begin; k < end; ++k) {
      const int64_t d = k / count, at = k % count;
      const T value = static_cast<T>(total[k - begin]);
      if (at < inputs) grads.weight_ih.mutable_data<T>()[d * inputs + at] = value;
      else if (at < inputs + hidden) grads.weight_hh.mutable_data<T>()[d * hidden + at - inputs] = value;
      else grads.bias_ih.mutable_data<T>()[d * 4 * s.hidden + at - inputs - hidden] = value;
    }
  });
  grads.bias_hh.copy_from(grads.bias_ih);
}

// Rows of one direction of a (rows, width) tensor, from `row` on.
template <class T>
Rows<T> rows_of(const Tensor& tensor, int64_t width, int64_t offset, int64_t row, int64_t stride) {
  return {tensor.mutable_data<T>() + row * width + offset, stride * width};
}
template <class T>
Rows<const T> read(const Rows<T>& rows) {
  return {rows.data, rows.stride};
}

}  // namespace

void cpu::lstm_forward(const Tensor& x, const LstmWeights& weights, Tf32, LstmResult& result) {
  const LstmSizes s(x, weights.weight_hh);
  const int64_t inputs = s.inputs, hidden = s.hidden;
  result.saved = {Tensor::empty({s.all_rows(), 8 * hidden}, x.dtype()),
                  Tensor::empty({s.all_rows(), 2 * hidden}, x.dtype())};
  visit_real("lstm", x.dtype(), [&]<class T>() {
    const std::vector<T> from_input = transposed<T>(weights.weight_ih), from_hidden = transposed<T>(weights.weight_hh);
    std::vector<T> bias(8 * hidden);
    for (int64_t k = 0; k < 8 * hidden; ++k) bias[k] = weights.bias_ih.data<T>()[k] + weights.bias_hh.data<T>()[k];
    for_blocks(s, [&](const Block& b) {
      const int64_t d = b.direction;
      const auto at = [&](const Tensor& tensor, int64_t units, int64_t row) {  // `units` of each direction
        return rows_of<T>(tensor, 2 * units, d * units, row, b.stride);
      };
      for (int64_t n = 0; n < b.steps; ++n) {
        const int64_t now = b.at(n), last = b.at(n - 1);
        const Rows<T> gates = at(result.saved[0], 4 * hidden, now);
        blas::gemm(false, false, b.rows, 4 * hidden, inputs, T(1), x.data<T>() + now * inputs, b.stride * inputs,
                   from_input.data() + d * 4 * hidden * inputs, 4 * hidden, T(0), gates.data, gates.stride);
        Rows<const T> before{nullptr, 0};
        if (n > 0) {
          const Rows<T> h = at(result.y, hidden, last);
          blas::gemm(false, false, b.rows, 4 * hidden, hidden, T(1), h.data, h.stride,
                     from_hidden.data() + d * 4 * hidden * hidden, 4 * hidden, T(1), gates.data, gates.stride);
          before = read(at(result.saved[1], hidden, last));
        }
        lstm_cells<T>(bias.data() + d * 4 * hidden, gates, before, at(result.saved[1], hidden, now),
                      at(result.y, hidden, now), b.rows, hidden);
      }
    });
  });
}

// All products of a step are computed while the gradients of its gates are in the cache; those are never stored.
void cpu::lstm_backward(const Tensor& grad_y, const Tensor& x, const LstmWeights& weights, const LstmResult& result,
                        Tf32, LstmGrads& grads) {
  const LstmSizes s(x, weights.weight_hh);
  const int64_t inputs = s.inputs, hidden = s.hidden, gate_count = 4 * hidden;
  const Tensor &gates = result.saved[0], &cells = result.saved[1];
  const Tensor of_blocks = Tensor::zeros({Blocks(s).count(), 2, weight_count(s)}, x.dtype());
  // Of the input by each direction.
  const Tensor grad_x[2] = {grads.x, grads.x.defined() ? Tensor::empty_like(grads.x) : Tensor()};
  visit_real("lstm", x.dtype(), [&]<class T>() {
    for_blocks(s, [&](const Block& b) {
      const int64_t d = b.direction;
      std::vector<T> dh(b.rows * hidden, T(0)), dc(b.rows * hidden, T(0)), da(b.rows * gate_count);
      T* grad_w = of_blocks.mutable_data<T>() + b.index * weight_count(s);
      T* grad_v = grad_w + gate_count * inputs;
      T* grad_bias = grad_v + gate_count * hidden;
      const T* w = weights.weight_ih.data<T>() + d * gate_count * inputs;
      const T* v = weights.weight_hh.data<T>() + d * gate_count * hidden;
      const auto at = [&](const Tensor& tensor, int64_t units, int64_t row) {
        return read(rows_of<T>(tensor, 2 * units, d * units, row, b.stride));
      };
      for (int64_t n = b.steps - 1; n >= 0; --n) {
        const int64_t now = b.at(n), last = b.at(n - 1), width = b.stride * inputs;
        const Rows<const T> none{nullptr, 0};
        const Saved<T> saved{at(gates, gate_count, now),
                             at(cells, hidden, now),
                             n > 0 ? at(cells, hidden, last) : none,
                             {x.data<T>() + now * inputs, width},
                             n > 0 ? at(result.y, hidden, last) : none};
        lstm_cells_backward<T>(at(grad_y, hidden, now), dh.data(), dc.data(), saved, da.data(), grad_bias, b.rows,
                               inputs, hidden);
        blas::gemm(true, false, gate_count, inputs, b.rows, T(1), da.data(), gate_count, x.data<T>() + now * inputs,
                   width, T(1), grad_w, inputs);
        if (grads.x.defined())
          blas::gemm(false, false, b.rows, inputs, gate_count, T(1), da.data(), gate_count, w, inputs, T(0),
                     grad_x[d].mutable_data<T>() + now * inputs, width);
        if (n == 0) break;
        blas::gemm(true, false, gate_count, hidden, b.rows, T(1), da.data(), gate_count, saved.h.data, saved.h.stride,
                   T(1), grad_v, hidden);
        blas::gemm(false, false, b.rows, hidden, gate_count, T(1), da.data(), gate_count, v, hidden, T(0), dh.data(),
                   hidden);
      }
    });
    add_weight_gradients<T>(s, of_blocks, grads.weights);
  });
  if (grads.x.defined()) sunder::accumulate(grads.x, grad_x[1]);
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
  if (hidden < 1 || x.size(-1) < 1)
    throw_error("[lstm] expected at least one input and one hidden unit, got x of {} and weight_hh of {}", describe(x),
                describe(w.weight_hh));
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
