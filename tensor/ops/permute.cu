#include "tensor/ops/permute.h"

#include "tensor/cuda/kernel.cuh"

namespace sunder::cuda {
namespace {

using Word16 = Pack<uint64_t, 2>;

// Floor of both kernels: x and y once.

// A thread writes one word of y and locates it in x: for rows that stay rows, and for transpositions so narrow that a
// tile would be mostly empty (neighbouring threads then share x's cache lines).
template <class Word>
__global__ void permute_gather_kernel(PermuteLayout layout, const Word* x, Word* y, int64_t count) {
  SUNDER_GRID_STRIDE(i, count) {
    int64_t rest = i, at = 0;
    for (int axis = layout.axes - 1; axis > 0; --axis) {
      const int64_t above = rest / layout.sizes[axis];
      at += (rest - above * layout.sizes[axis]) * layout.x_strides[axis];
      rest = above;
    }
    y[i] = x[at + rest * layout.x_strides[0]];
  }
}

// Matrices that are transposed, one for every index of the other axes: y[r * y_step + c] = x[c * x_step + r].
struct Transposition {
  int64_t rows, columns, x_step, y_step;
  int axes = 0;  // the others
  int64_t sizes[PermuteLayout::max_axes], x_strides[PermuteLayout::max_axes], y_strides[PermuteLayout::max_axes];
};

constexpr int tile = 32;

// A block moves a tile through shared memory, so that a warp reads and writes 32 neighbouring words. With one more
// column than a tile has, the words that a warp reads there are in different banks.
template <class Word>
__global__ void permute_transpose_kernel(Transposition matrix, const Word* x, Word* y, int64_t tasks) {
  SUNDER_SHARED(Word[tile][tile + 1], words);
  const int64_t row_tiles = ceil_div(matrix.rows, tile), column_tiles = ceil_div(matrix.columns, tile);
  const int lane = threadIdx.x % tile, group = threadIdx.x / tile;
  for (int64_t task = blockIdx.x; task < tasks; task += gridDim.x) {
    int64_t rest = task / row_tiles;
    const int64_t row = (task - rest * row_tiles) * tile, column = rest % column_tiles * tile;
    rest /= column_tiles;
    int64_t x_at = column * matrix.x_step + row, y_at = row * matrix.y_step + column;
    for (int axis = matrix.axes - 1; axis >= 0; --axis) {
      const int64_t above = rest / matrix.sizes[axis], index = rest - above * matrix.sizes[axis];
      x_at += index * matrix.x_strides[axis];
      y_at += index * matrix.y_strides[axis];
      rest = above;
    }
    for (int c = group; c < tile; c += block_size / tile)
      if (column + c < matrix.columns && row + lane < matrix.rows) words[c][lane] = x[x_at + c * matrix.x_step + lane];
    __syncthreads();
    for (int r = group; r < tile; r += block_size / tile)
      if (row + r < matrix.rows && column + lane < matrix.columns) y[y_at + r * matrix.y_step + lane] = words[lane][r];
    __syncthreads();
  }
}

// The axis along which x is contiguous.
int running_axis(const PermuteLayout& layout) {
  int axis = layout.axes - 1;
  while (axis > 0 && layout.x_strides[axis] != 1) --axis;
  return axis;
}

Transposition transposition(const PermuteLayout& layout) {
  const int last = layout.axes - 1, run = running_axis(layout);
  Transposition matrix{layout.sizes[run], layout.sizes[last], layout.x_strides[last], 1, 0, {}, {}, {}};
  for (int axis = last; axis > run; --axis) matrix.y_step *= layout.sizes[axis];
  int64_t y_stride = numel(Shape(layout.sizes, layout.sizes + layout.axes));
  for (int axis = 0; axis < last; ++axis) {
    y_stride /= layout.sizes[axis];
    if (axis == run) continue;
    matrix.sizes[matrix.axes] = layout.sizes[axis];
    matrix.x_strides[matrix.axes] = layout.x_strides[axis];
    matrix.y_strides[matrix.axes++] = y_stride;
  }
  return matrix;
}

template <class Word>
void permute_words(const PermuteLayout& layout, const Tensor& x, Tensor& y) {
  const int64_t count = numel(Shape(layout.sizes, layout.sizes + layout.axes));
  const auto* from = reinterpret_cast<const Word*>(x.raw());
  auto* to = reinterpret_cast<Word*>(y.raw());
  const int last = layout.axes - 1, run = running_axis(layout);
  constexpr int64_t thin = 8;
  if (run == last || layout.sizes[run] < thin || layout.sizes[last] < thin) {
    launch(permute_gather_kernel<Word>, grid_for(count), dim3(block_size), 0, x.stream(), layout, from, to, count);
    return;
  }
  const Transposition matrix = transposition(layout);
  const int64_t tasks =
      count / (matrix.rows * matrix.columns) * ceil_div(matrix.rows, tile) * ceil_div(matrix.columns, tile);
  launch(permute_transpose_kernel<Word>, grid_for(tasks * block_size), dim3(block_size), 0, x.stream(), matrix, from,
         to, tasks);
}

// Rows that stay rows are copied in words of up to 16 bytes.
PermuteLayout widen(PermuteLayout layout, const Tensor& x, const Tensor& y, size_t& word) {
  const int last = layout.axes - 1;
  if (layout.x_strides[last] != 1) return layout;
  const auto addresses = reinterpret_cast<uintptr_t>(x.raw()) | reinterpret_cast<uintptr_t>(y.raw());
  for (; word < 16 && addresses % (2 * word) == 0; word *= 2) {
    if (layout.sizes[last] % 2 != 0) return layout;
    for (int axis = 0; axis < last; ++axis)
      if (layout.x_strides[axis] % 2 != 0) return layout;
    layout.sizes[last] /= 2;
    for (int axis = 0; axis < last; ++axis) layout.x_strides[axis] /= 2;
  }
  return layout;
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::permute(const PermuteLayout& layout, const Tensor& x, Tensor& y) {
  if (x.numel() == 0) return;
  size_t word = size_of(x.dtype());
  const PermuteLayout widened = widen(layout, x, y, word);
  if (word == 2) permute_words<uint16_t>(widened, x, y);
  else if (word == 4) permute_words<uint32_t>(widened, x, y);
  else if (word == 8) permute_words<uint64_t>(widened, x, y);
  else permute_words<Word16>(widened, x, y);
}

}  // namespace sunder
