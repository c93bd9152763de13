#include "tensor/ops/permute.h"

#include <algorithm>
#include <cstring>

#include "tensor/parallel.h"

namespace sunder {
namespace {

constexpr int64_t tile = 32;  // a tile of both sides fits the first cache, also for 16 bytes an element

// y[r * y_stride + c] = x[c * x_stride + r], in tiles so that both sides are read and written by whole cache lines.
template <class Word>
void transpose(const Word* x, int64_t x_stride, Word* y, int64_t y_stride, int64_t rows, int64_t columns) {
  for (int64_t r0 = 0; r0 < rows; r0 += tile)
    for (int64_t c0 = 0; c0 < columns; c0 += tile) {
      const int64_t r1 = std::min(rows, r0 + tile), c1 = std::min(columns, c0 + tile);
      for (int64_t r = r0; r < r1; ++r)
        for (int64_t c = c0; c < c1; ++c) y[r * y_stride + c] = x[c * x_stride + r];
    }
}

// Where an index of the axes in `order` starts, in x and in y.
struct Walk {
  std::vector<int64_t> sizes, x_strides, y_strides;

  void add(int64_t size, int64_t x_stride, int64_t y_stride) {
    sizes.push_back(size);
    x_strides.push_back(x_stride);
    y_strides.push_back(y_stride);
  }
  int64_t count() const { return numel(sizes); }
  std::pair<int64_t, int64_t> at(int64_t index) const {
    int64_t x = 0, y = 0;
    for (size_t k = sizes.size(); k-- > 0; index /= sizes[k]) {
      x += index % sizes[k] * x_strides[k];
      y += index % sizes[k] * y_strides[k];
    }
    return {x, y};
  }
};

// Along y's last axis x runs with `step`. If that is 1, whole rows are copied; else the axis along which x runs
// contiguously is some other one, and the two are transposed.
template <class Word>
void permute_words(const PermuteLayout& layout, const Word* x, Word* y) {
  const int last = layout.axes - 1;
  const int64_t columns = layout.sizes[last], step = layout.x_strides[last];
  int run = last;
  while (run > 0 && layout.x_strides[run] != 1) --run;
  Walk walk;
  int64_t y_stride = 1, run_y_stride = 1;
  for (int axis = last; axis >= 0; --axis) {
    if (axis == run) run_y_stride = y_stride;
    else if (axis != last) walk.add(layout.sizes[axis], layout.x_strides[axis], y_stride);
    y_stride *= layout.sizes[axis];
  }
  // The transposed axis is split as well, or one large matrix would be one thread's work.
  const int64_t rows = run == last ? 1 : layout.sizes[run], blocks = (rows + tile - 1) / tile;
  parallel_for(walk.count() * blocks, 4096 / (columns * std::min(rows, tile)), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const auto [x_at, y_at] = walk.at(task / blocks);
      const int64_t row = task % blocks * tile;
      if (step == 1) std::copy_n(x + x_at, columns, y + y_at);
      else
        transpose(x + x_at + row, step, y + y_at + row * run_y_stride, run_y_stride, std::min(tile, rows - row),
                  columns);
    }
  });
}

}  // namespace

void cpu::permute(const PermuteLayout& layout, const Tensor& x, Tensor& y) {
  if (x.numel() == 0) return;
  struct Pair {
    uint64_t low, high;
  };
  const auto copy = [&]<class Word>() {
    permute_words(layout, reinterpret_cast<const Word*>(x.raw()), reinterpret_cast<Word*>(y.raw()));
  };
  switch (size_of(x.dtype())) {
    case 2:
      return copy.operator()<uint16_t>();
    case 4:
      return copy.operator()<uint32_t>();
    case 8:
      return copy.operator()<uint64_t>();
    default:
      return copy.operator()<Pair>();
  }
}

Tensor permute(const Tensor& x, const std::vector<int>& axes) {
  const int dim = x.dim();
  std::vector<int> order;
  for (int axis : axes) {
    const int index = axis < 0 ? axis + dim : axis;
    if (index < 0 || index >= dim || std::find(order.begin(), order.end(), index) != order.end())
      throw_error("[permute] expected every axis of {} once, got ({})", describe(x), fmt::join(axes, ", "));
    order.push_back(index);
  }
  if (static_cast<int>(order.size()) != dim)
    throw_error("[permute] expected every axis of {} once, got ({})", describe(x), fmt::join(axes, ", "));

  Shape strides(dim, 1), shape;
  for (int axis = dim - 2; axis >= 0; --axis) strides[axis] = strides[axis + 1] * x.size(axis + 1);
  PermuteLayout layout;
  layout.axes = 0;
  for (int axis : order) {
    shape.push_back(x.size(axis));
    if (x.size(axis) == 1) continue;
    const int before = layout.axes - 1;
    if (before >= 0 && layout.x_strides[before] == strides[axis] * x.size(axis)) {
      layout.sizes[before] *= x.size(axis);
      layout.x_strides[before] = strides[axis];
      continue;
    }
    if (layout.axes == PermuteLayout::max_axes)
      throw_error("[permute] expected at most {} axes, got {}", PermuteLayout::max_axes, describe(x));
    layout.sizes[layout.axes] = x.size(axis);
    layout.x_strides[layout.axes++] = strides[axis];
  }
  if (layout.axes == 0) layout = PermuteLayout{};
  Tensor y = Tensor::empty(shape, x.dtype(), x.stream());
  SUNDER_DISPATCH(permute, x.device())(layout, x, y);
  return y;
}

}  // namespace sunder
