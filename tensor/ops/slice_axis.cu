#include "tensor/ops/slice_axis.h"

#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/slice_axis.cuh"

namespace sunder::cuda {
namespace {

// Floor: the result once, and what the window covers of the source once. Sizes are in words, the widest that divide all
// sizes and addresses; a thread moves one.
template <class Word>
__global__ void copy_rows_kernel(const Word* from, Word* to, RowWindow window, int64_t count) {
  SUNDER_GRID_STRIDE(i, count) {
    const int64_t row = i / window.to_bytes, word = i - row * window.to_bytes, source = word + window.shift;
    Word value{};
    if (source >= 0 && source < window.from_bytes) value = from[row * window.from_pitch + source];
    to[row * window.to_pitch + word] = value;
  }
}

template <class Word>
void copy_words(const std::byte* from, std::byte* to, const RowWindow& bytes, Stream stream) {
  constexpr int64_t size = sizeof(Word);
  const RowWindow words{bytes.rows,         bytes.from_pitch / size, bytes.from_bytes / size,
                        bytes.shift / size, bytes.to_pitch / size,   bytes.to_bytes / size};
  const int64_t count = words.rows * words.to_bytes;
  launch(copy_rows_kernel<Word>, grid_for(count), dim3(block_size), 0, stream, reinterpret_cast<const Word*>(from),
         reinterpret_cast<Word*>(to), words, count);
}

// The axes before the sliced one are rows: of the long tensor, and of the short one that begins at `offset` in it.
struct Rows {
  int64_t count, of_long, of_short, offset;
};
Rows rows_of(const Tensor& whole, const Tensor& part, int axis, int64_t begin) {
  int64_t rows = 1;
  for (int k = 0; k < axis; ++k) rows *= whole.size(k);
  if (rows == 0 || whole.size(axis) == 0) return {0, 0, 0, 0};
  const int64_t of_long = static_cast<int64_t>(whole.bytes()) / rows;
  return {rows, of_long, static_cast<int64_t>(part.bytes()) / rows, of_long / whole.size(axis) * begin};
}

}  // namespace

void copy_rows(const std::byte* from, std::byte* to, const RowWindow& window, Stream stream) {
  if (window.rows == 0 || window.to_bytes == 0) return;
  const uint64_t all =
      static_cast<uint64_t>(window.from_pitch | window.from_bytes | window.shift | window.to_pitch | window.to_bytes) |
      reinterpret_cast<uintptr_t>(from) | reinterpret_cast<uintptr_t>(to);
  if (all % 16 == 0) copy_words<Pack<uint32_t, 4>>(from, to, window, stream);
  else if (all % 8 == 0) copy_words<uint64_t>(from, to, window, stream);
  else copy_words<uint32_t>(from, to, window, stream);
}

}  // namespace sunder::cuda

namespace sunder {

void cuda::slice_axis_forward(const Tensor& x, int axis, int64_t begin, Tensor& y) {
  const Rows rows = rows_of(x, y, axis, begin);
  copy_rows(x.raw(), y.raw(), {rows.count, rows.of_long, rows.of_long, rows.offset, rows.of_short, rows.of_short},
            x.stream());
}

void cuda::slice_axis_backward(const Tensor& grad_y, int axis, int64_t begin, Tensor& grad_x) {
  const Rows rows = rows_of(grad_x, grad_y, axis, begin);
  copy_rows(grad_y.raw(), grad_x.raw(),
            {rows.count, rows.of_short, rows.of_short, -rows.offset, rows.of_long, rows.of_long}, grad_x.stream());
}

}  // namespace sunder
