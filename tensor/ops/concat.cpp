#include "tensor/ops/concat.h"

#include <cstring>

#include "tensor/parallel.h"

namespace sunder {

void cpu::concat(const std::vector<Tensor>& parts, int axis, Tensor& result) {
  if (result.numel() == 0) return;
  int64_t rows = 1;
  for (int k = 0; k < axis; ++k) rows *= result.size(k);
  const int64_t row_bytes = static_cast<int64_t>(result.bytes()) / rows;
  parallel_for(rows, (1 << 16) / row_bytes, [&](int64_t begin, int64_t end) {
    int64_t offset = 0;
    for (const Tensor& part : parts) {
      const int64_t bytes = static_cast<int64_t>(part.bytes()) / rows;
      if (bytes == 0) continue;
      for (int64_t row = begin; row < end; ++row)
        std::memcpy(result.raw() + row * row_bytes + offset, part.raw() + row * bytes, bytes);
      offset += bytes;
    }
  });
}

Tensor concat(const std::vector<Tensor>& parts, int axis) {
  if (parts.empty()) throw_error("[concat] expected at least one tensor, got none");
  const Tensor& first = parts[0];
  const int index = axis < 0 ? axis + first.dim() : axis;
  if (index < 0 || index >= first.dim()) throw_error("[concat] expected an axis of {}, got {}", describe(first), axis);
  Shape shape = first.shape();
  shape[index] = 0;
  for (const Tensor& part : parts) {
    check_alike("concat", {&first, &part});
    Shape expected = first.shape();
    expected[index] = -1;
    check_shape("concat", "part", part, expected);
    shape[index] += part.size(index);
  }
  Tensor result = Tensor::empty(shape, first.dtype(), first.stream());
  SUNDER_DISPATCH(concat, first.device())(parts, index, result);
  return result;
}

}  // namespace sunder
