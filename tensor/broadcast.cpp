#include "tensor/broadcast.h"

#include <algorithm>

namespace sunder {
namespace {

// The size of the axis `from_last` places before the last; 1 where the shape has no such axis.
int64_t size_from_last(const Shape& shape, size_t from_last) {
  return from_last < shape.size() ? shape[shape.size() - 1 - from_last] : 1;
}

}  // namespace

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  Shape result(std::max(a.size(), b.size()));
  for (size_t k = 0; k < result.size(); ++k) {
    const int64_t x = size_from_last(a, k), y = size_from_last(b, k);
    if (x != y && x != 1 && y != 1)
      throw_error("[{}] expected shapes that broadcast, got {} and {}", op, to_string(a), to_string(b));
    result[result.size() - 1 - k] = x == 1 ? y : x;
  }
  return result;
}

BroadcastLayout broadcast_layout(const char* op, const Shape& a, const Shape& b, const Shape& result) {
  // Built from the last axis to the first, then reversed.
  BroadcastLayout layout;
  layout.axes = 0;
  int64_t a_stride = 1, b_stride = 1;
  for (size_t k = 0; k < result.size(); ++k) {
    const int64_t size = size_from_last(result, k), a_size = size_from_last(a, k), b_size = size_from_last(b, k);
    if (size == 1) continue;
    const int64_t a_step = a_size == 1 ? 0 : a_stride, b_step = b_size == 1 ? 0 : b_stride;
    a_stride *= a_size;
    b_stride *= b_size;
    if (layout.axes > 0) {
      const int last = layout.axes - 1;
      const auto continues = [&](int64_t inner, int64_t outer) { return outer == inner * layout.sizes[last]; };
      if (continues(layout.a_strides[last], a_step) && continues(layout.b_strides[last], b_step)) {
        layout.sizes[last] *= size;
        continue;
      }
    }
    if (layout.axes == BroadcastLayout::max_axes)
      throw_error("[{}] expected at most {} axes that stretch differently, got {} and {}", op,
                  BroadcastLayout::max_axes, to_string(a), to_string(b));
    layout.sizes[layout.axes] = size;
    layout.a_strides[layout.axes] = a_step;
    layout.b_strides[layout.axes++] = b_step;
  }
  if (layout.axes == 0) return BroadcastLayout{};  // one element
  std::reverse(layout.sizes, layout.sizes + layout.axes);
  std::reverse(layout.a_strides, layout.a_strides + layout.axes);
  std::reverse(layout.b_strides, layout.b_strides + layout.axes);
  return layout;
}

}  // namespace sunder
