#include "tensor/ops/sum.h"

#include <algorithm>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t elements_per_chunk = 1 << 14;
constexpr int64_t lanes = 32;  // partial sums of a row that run side by side, on any machine the same ones
constexpr int64_t columns_per_tile = 512;

// (rows, count, inner) -> (rows, inner) for an inner that divides `lanes`
template <class T, class Out>
SUNDER_SIMD void sum_rows(const T* x, int64_t rows, int64_t stride, int64_t count, int64_t inner, Out* sums) {
  for (int64_t row = 0; row < rows; ++row, x += stride, sums += inner) {
    double partial[lanes] = {};
    int64_t i = 0;
    for (; i + lanes <= count * inner; i += lanes)
#pragma omp simd
      for (int64_t k = 0; k < lanes; ++k) partial[k] += static_cast<double>(x[i + k]);
    for (int64_t k = 0; i < count * inner; ++i, ++k) partial[k] += static_cast<double>(x[i]);
    for (int64_t half = lanes / 2; half >= inner; half /= 2)
      for (int64_t k = 0; k < half; ++k) partial[k] += partial[k + half];
    for (int64_t k = 0; k < inner; ++k) sums[k] = static_cast<Out>(partial[k]);
  }
}

// (count, columns of a row of `stride`) -> (columns); columns <= columns_per_tile
template <class T, class Out>
SUNDER_SIMD void sum_columns(const T* x, int64_t count, int64_t stride, int64_t columns, Out* sums) {
  double partial[columns_per_tile];
  std::fill_n(partial, columns, 0.0);
  for (int64_t i = 0; i < count; ++i, x += stride)
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) partial[c] += static_cast<double>(x[c]);
#pragma omp simd
  for (int64_t c = 0; c < columns; ++c) sums[c] = static_cast<Out>(partial[c]);
}

// Sums one piece of `count` terms for every (outer, inner); a second call adds the pieces of long sums.
template <class T, class Out>
void sum_piece(const T* x, int64_t outer, int64_t outer_stride, int64_t count, int64_t inner, Out* sums) {
  if (inner > 0 && lanes % inner == 0) {
    const int64_t grain = elements_per_chunk / std::max<int64_t>(1, count * inner);
    parallel_for(outer, grain, [&](int64_t begin, int64_t end) {
      sum_rows(x + begin * outer_stride, end - begin, outer_stride, count, inner, sums + begin * inner);
    });
    return;
  }
  const int64_t tiles = (inner + columns_per_tile - 1) / columns_per_tile;
  const int64_t grain = elements_per_chunk / std::max<int64_t>(1, count * std::min(inner, columns_per_tile));
  parallel_for(outer * tiles, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t row = task / tiles, column = task % tiles * columns_per_tile;
      sum_columns(x + row * outer_stride + column, count, inner, std::min(columns_per_tile, inner - column),
                  sums + row * inner + column);
    }
  });
}

}  // namespace

void cpu::sum_middle(const Tensor& x, int64_t outer, int64_t count, int64_t inner, Tensor& result) {
  visit_real("sum", real_of(x.dtype()), [&]<class T>() {
    if (is_complex(x.dtype())) inner *= 2;  // two reals side by side
    const T* from = reinterpret_cast<const T*>(x.raw());
    T* into = reinterpret_cast<T*>(result.raw());
    const int64_t piece =
        std::max<int64_t>(1, elements_per_chunk / std::max<int64_t>(1, std::min(inner, columns_per_tile)));
    const int64_t pieces = count / piece;  // whole ones; the rest is one more
    if (pieces < 2) {
      sum_piece(from, outer, count * inner, count, inner, into);
      return;
    }
    std::vector<double> partial((pieces + 1) * inner);
    for (int64_t row = 0; row < outer; ++row, from += count * inner) {
      sum_piece(from, pieces, piece * inner, piece, inner, partial.data());
      sum_piece(from + pieces * piece * inner, 1, 0, count - pieces * piece, inner, partial.data() + pieces * inner);
      sum_piece(partial.data(), 1, 0, pieces + 1, inner, into + row * inner);
    }
  });
}

namespace {

// Sums over the axes with `summed[axis]`; neighbouring ones in one call.
Tensor sum_axes(const Tensor& x, const std::vector<bool>& summed) {
  Tensor result = x;
  Shape shape = x.shape();
  for (int end = x.dim(); end > 0; --end) {
    if (!summed[end - 1]) continue;
    int begin = end - 1;
    while (begin > 0 && summed[begin - 1]) --begin;
    const auto product = [&](int from, int to) {
      int64_t size = 1;
      for (int axis = from; axis < to; ++axis) size *= shape[axis];
      return size;
    };
    const int64_t outer = product(0, begin), count = product(begin, end), inner = product(end, x.dim());
    std::fill(shape.begin() + begin, shape.begin() + end, 1);
    Tensor sums = Tensor::empty(shape, x.dtype(), x.stream());
    SUNDER_DISPATCH(sum_middle, x.device())(result, outer, count, inner, sums);
    result = sums;
    end = begin + 1;
  }
  return result;
}

}  // namespace

Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keepdim) {
  if (x.dtype() == DType::int64) throw_error("[sum] expected a floating type, got {}", describe(x));
  std::vector<bool> summed(x.dim(), axes.empty());
  for (int axis : axes) {
    const int index = axis < 0 ? axis + x.dim() : axis;
    if (index < 0 || index >= x.dim()) throw_error("[sum] expected an axis of {}, got {}", describe(x), axis);
    if (summed[index]) throw_error("[sum] expected every axis once, got {} twice", axis);
    summed[index] = true;
  }
  const Tensor result = sum_axes(x, summed);
  Shape shape;
  for (int axis = 0; axis < x.dim(); ++axis)
    if (keepdim || !summed[axis]) shape.push_back(summed[axis] ? 1 : x.size(axis));
  return result.reshape(shape);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  const int added = x.dim() - static_cast<int>(shape.size());
  std::vector<bool> summed(x.dim(), true);
  for (int axis = 0; axis < x.dim(); ++axis) {
    const int64_t wanted = axis < added ? 1 : shape[axis - added];
    if (added < 0 || (wanted != 1 && wanted != x.size(axis)))
      throw_error("[sum_to] expected a shape that stretches to {}, got {}", to_string(x.shape()), to_string(shape));
    summed[axis] = wanted == 1 && x.size(axis) != 1;
  }
  return sum_axes(x, summed).reshape(shape);
}

}  // namespace sunder
