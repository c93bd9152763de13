#include "tensor/ops/slice_axis.h"

#include <cstring>

#include "tensor/parallel.h"

namespace sunder {
namespace {

// The axes before the sliced one are rows; a row of the long tensor contains a row of the short one at `offset`.
// Bytes.
struct Rows {
  int64_t count = 1, of_long = 0, of_short = 0, offset = 0;
};

Rows rows_of(const Tensor& whole, const Tensor& part, int axis, int64_t begin) {
  Rows rows;
  for (int k = 0; k < axis; ++k) rows.count *= whole.size(k);
  if (rows.count == 0) return rows;
  rows.of_long = static_cast<int64_t>(whole.bytes()) / rows.count;
  rows.of_short = static_cast<int64_t>(part.bytes()) / rows.count;
  rows.offset = whole.size(axis) > 0 ? rows.of_long / whole.size(axis) * begin : 0;
  return rows;
}

int64_t rows_per_chunk(int64_t row_bytes) { return (1 << 16) / std::max<int64_t>(1, row_bytes); }

}  // namespace

void cpu::slice_axis_forward(const Tensor& x, int axis, int64_t begin, Tensor& y) {
  const Rows rows = rows_of(x, y, axis, begin);
  if (rows.of_short == 0) return;
  parallel_for(rows.count, rows_per_chunk(rows.of_short), [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row)
      std::memcpy(y.raw() + row * rows.of_short, x.raw() + row * rows.of_long + rows.offset, rows.of_short);
  });
}

void cpu::slice_axis_backward(const Tensor& grad_y, int axis, int64_t begin, Tensor& grad_x) {
  const Rows rows = rows_of(grad_x, grad_y, axis, begin);
  if (rows.of_long == 0) return;
  parallel_for(rows.count, rows_per_chunk(rows.of_long), [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      std::byte* into = grad_x.raw() + row * rows.of_long;
      const int64_t after = rows.offset + rows.of_short;
      std::memset(into, 0, rows.offset);
      if (rows.of_short > 0) std::memcpy(into + rows.offset, grad_y.raw() + row * rows.of_short, rows.of_short);
      std::memset(into + after, 0, rows.of_long - after);
    }
  });
}

namespace {

int checked_axis(const Shape& shape, int axis, int64_t begin, int64_t end) {
  const int dim = static_cast<int>(shape.size()), index = axis < 0 ? axis + dim : axis;
  if (index < 0 || index >= dim)
    throw_error("[slice_axis] expected an axis of shape {}, got {}", to_string(shape), axis);
  if (begin < 0 || end < begin || end > shape[index])
    throw_error("[slice_axis] expected a range within [0, {}) of axis {} of shape {}, got [{}, {})", shape[index], axis,
                to_string(shape), begin, end);
  return index;
}

}  // namespace

Tensor slice_axis(const Tensor& x, int axis, int64_t begin, int64_t end) {
  const int index = checked_axis(x.shape(), axis, begin, end);
  Shape shape = x.shape();
  shape[index] = end - begin;
  Tensor y = Tensor::empty(shape, x.dtype(), x.stream());
  SUNDER_DISPATCH(slice_axis_forward, x.device())(x, index, begin, y);
  return y;
}

Tensor slice_axis_backward(const Tensor& grad_y, const Shape& shape, int axis, int64_t begin) {
  const int index = checked_axis(shape, axis, begin, begin + grad_y.size(axis));
  Shape expected = shape;
  expected[index] = -1;
  check_shape("slice_axis_backward", "grad_y", grad_y, expected);
  Tensor grad_x = Tensor::empty(shape, grad_y.dtype(), grad_y.stream());
  SUNDER_DISPATCH(slice_axis_backward, grad_y.device())(grad_y, index, begin, grad_x);
  return grad_x;
}

}  // namespace sunder
