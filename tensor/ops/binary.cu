#include "tensor/ops/binary.h"

#include "tensor/cuda/kernel.cuh"

namespace sunder::cuda {
namespace {

// Elements [0, width) of an operand from its position on; the same element where its stride is 0.
template <int width, class T>
__device__ __forceinline__ Pack<compute_type<T>, width> load_operand(const T* from, bool runs, int64_t left) {
  if (runs) return widen(load<width>(from, left));
  Pack<compute_type<T>, width> pack;
  for (auto& value : pack.at) value = *from;
  return pack;
}

// Floor: the result and each operand once. A thread finds its position in both operands by one division per axis;
// operands of equal shape have one axis and need none. Packs stay within the last axis.
template <int width, class Op, class T>
__global__ void binary_kernel(Op op, BroadcastLayout layout, const T* a, const T* b, T* y, int64_t count) {
  const int last = layout.axes - 1;
  const bool a_runs = layout.a_strides[last] != 0, b_runs = layout.b_strides[last] != 0;
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    int64_t rest = i, a_at = 0, b_at = 0;
    for (int axis = last; axis > 0; --axis) {
      const int64_t above = rest / layout.sizes[axis], index = rest - above * layout.sizes[axis];
      a_at += index * layout.a_strides[axis];
      b_at += index * layout.b_strides[axis];
      rest = above;
    }
    a_at += rest * layout.a_strides[0];
    b_at += rest * layout.b_strides[0];
    const auto left_side = load_operand<width>(a + a_at, a_runs, count - i);
    const auto right_side = load_operand<width>(b + b_at, b_runs, count - i);
    Pack<compute_type<T>, width> result;
    for (int k = 0; k < width; ++k) result.at[k] = op(left_side.at[k], right_side.at[k]);
    store<width>(y + i, result, count - i);
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

template <class Op>
void cuda::binary_forward(const Op& op, const BroadcastLayout& layout, const Tensor& a, const Tensor& b,
                          Tensor& result) {
  const int64_t count = result.numel();
  if (count == 0) return;
  const auto run = [&]<class T>() {
    // With a single axis no pack can cross a row, and only its end is short.
    const int64_t row = layout.axes == 1 ? 0 : layout.sizes[layout.axes - 1];
    with_pack_width<T>(row, {a.raw(), b.raw(), result.raw()}, [&]<int width>() {
      launch(binary_kernel<width, Op, T>, grid_for(ceil_div(count, width)), dim3(block_size), 0, result.stream(), op,
             layout, a.data<T>(), b.data<T>(), result.mutable_data<T>(), count);
    });
  };
  if (result.dtype() == DType::bfloat16) run.template operator()<bfloat16>();
  else visit_floating("binary", result.dtype(), run);
}

#define SUNDER_INSTANTIATE(Op) \
  template void cuda::binary_forward(const Op&, const BroadcastLayout&, const Tensor&, const Tensor&, Tensor&);
SUNDER_BINARY(SUNDER_INSTANTIATE)
#undef SUNDER_INSTANTIATE

}  // namespace sunder
