#include "tensor/ops/prelu_norm_depthwise.h"

#include "tensor/ops/depthwise_conv1d.cuh"
#include "tensor/ops/prelu_norm_depthwise.cuh"

// Two launches each way: sums of PReLU(x), then the rest; sums behind the convolution, then dx. Floor of a forward
// pass: x twice, y once. Backward: dy once, x twice, dn written and read, dx once.
//
// Three taps, the usual case, go along chains of frames that stand `dilation` apart: a thread takes rows_per_thread
// links of one and keeps what the next link needs, so that x (or dy) is read 1 + 2 / rows_per_thread times, not three
// times.
namespace sunder::cuda {
namespace {

struct Chains {
  int64_t dilation, side_by_side, segments;  // of all chains of an item, rows_per_thread links each

  static Chains of(int64_t frames, int64_t dilation) {
    const int64_t chains = dilation < frames ? dilation : frames;
    return {dilation, chains, chains * ceil_div(ceil_div(frames, dilation), rows_per_thread)};
  }
  int64_t chunks() const { return ceil_div(segments, tile_warps); }
  // The first frame of segment `index`; at or beyond the last where there is no such segment.
  __device__ int64_t first(int64_t index) const {
    return index % side_by_side + index / side_by_side * rows_per_thread * dilation;
  }
};

template <class T, int width>
struct ThreeTaps {
  T tap[3][width] = {};

  __device__ ThreeTaps(const T* taps, int64_t column, int64_t channels) {
    if (column >= channels) return;
    for (int k = 0; k < 3; ++k)
      for (int i = 0; i < width; ++i) tap[k][i] = taps[(column + i) * 3 + k];
  }
};

template <class S, int width, class T = compute_type<S>>
__global__ void __launch_bounds__(block_size, 2)
    three_taps_forward_kernel(Norm<S> input, const T* taps, const T* bias, Chains chains, int64_t chunks, S* y,
                              Norm<S> next, double* next_sums, S* scaled) {
  SUNDER_SHARED(double[tile_warps], partial);
  const Tile tile = Tile::of<width>(blockIdx.x, input.channels, chunks);
  const int64_t item = tile.item * input.frames * input.channels;
  const int64_t first = chains.first(tile.chunk * tile_warps + threadIdx.x / 32);
  Pack<S, width> x[rows_per_thread + 2];
  load_rows(input.x + item, first - chains.dilation, chains.dilation, input.frames, input.channels, tile.column, x);
  const NormAffine<T, width> norm(input, tile);
  const ThreeTaps<T, width> weight(taps, tile.column, input.channels);
  const auto input_offset = load_parameters<width>(input.offset, tile.column, input.channels, T(0));
  Pack<T, width> n[rows_per_thread + 2];
#pragma unroll
  for (int i = 0; i < rows_per_thread + 2; ++i) {
    const int64_t row = first + (i - 1) * chains.dilation;
    n[i] = row >= 0 && row < input.frames ? norm(plus(x[i], input_offset)) : Pack<T, width>{};
  }
  const auto conv_bias = load_parameters<width>(bias, tile.column, input.channels, T(0));
  const T slope = next_sums ? next.slope[0] : T(1);
  const auto gain = load_parameters<width>(next.gain, tile.column, input.channels, T(1));
  T sum = 0, squares = 0;
#pragma unroll
  for (int i = 0; i < rows_per_thread; ++i) {
    const int64_t row = first + i * chains.dilation, at = item + row * input.channels + tile.column;
    if (row >= input.frames || tile.column >= input.channels) break;
    Pack<T, width> values = conv_bias;
    for (int k = 0; k < 3; ++k)
      for (int c = 0; c < width; ++c) values.at[c] += weight.tap[k][c] * n[i + k].at[c];
    store<width>(y + at, values);
    if (!next_sums) continue;
    for (int c = 0; c < width; ++c) {
      const T a = activate(values.at[c], slope);
      sum += a;
      squares += a * a;
      values.at[c] = a * gain.at[c];
    }
    store<width>(scaled + at, values);
  }
  if (!next_sums) return;
  write_norm_sums(sum, squares, partial, next_sums);
  if (tile.column < input.channels) write_below<width>(next, tile, scaled);
}

// Kinds of columns: those of the norm, the bias, the three taps.
constexpr int kinds = 6, links_at_once = 4;

// dn[t] = sum over k of w_k dy[t - offset_k]; dw_k gets dy[t - offset_k] n[t]: of x only the link itself is needed.
template <class S, int width, class T = compute_type<S>>
__global__ void __launch_bounds__(block_size, 2)
    three_taps_backward_kernel(Norm<S> input, const T* taps, const S* dy, Chains chains, int64_t chunks, S* dn,
                               T* columns, double* scalars) {
  SUNDER_SHARED(T[kinds * block_size * width], shared);
  const Tile tile = Tile::of<width>(blockIdx.x, input.channels, chunks);
  const NormAffine<T, width> norm(input, tile);
  const ThreeTaps<T, width> weight(taps, tile.column, input.channels);
  const auto offset = load_parameters<width>(input.offset, tile.column, input.channels, T(0));
  const int64_t item = tile.item * input.frames * input.channels, step = chains.dilation;
  int64_t row = chains.first(tile.chunk * tile_warps + threadIdx.x / 32);
  NormAccumulator<T, kinds, width> sums;
  Pack<S, width> before[2];  // dy one link back and here
  load_rows(dy + item, row - step, step, input.frames, input.channels, tile.column, before);
  for (int turn = 0; turn < rows_per_thread / links_at_once; ++turn) {
    Pack<S, width> x[links_at_once], after[links_at_once];
    load_rows(input.x + item, row, step, input.frames, input.channels, tile.column, x);
    load_rows(dy + item, row + step, step, input.frames, input.channels, tile.column, after);
#pragma unroll
    for (int i = 0; i < links_at_once; ++i, row += step) {
      if (row >= input.frames || tile.column >= input.channels) break;
      const Pack<T, width> grads[3] = {widen(after[i]), widen(before[1]), widen(before[0])};
      const auto link = plus(x[i], offset);
      Pack<T, width> sum{};
      for (int c = 0; c < width; ++c) {
        const T n = norm.gain[c] * norm.normed(link.at[c]) + norm.bias[c];
        for (int k = 0; k < 3; ++k) {
          sum.at[c] += weight.tap[k][c] * grads[k].at[c];
          sums.columns[3 + k][c] += grads[k].at[c] * n;
        }
        sums.columns[2][c] += grads[1].at[c];
      }
      sums.add(norm, link, sum);
      store<width>(dn + item + row * input.channels + tile.column, sum);
      before[0] = before[1];
      before[1] = after[i];
    }
  }
  write_columns(sums.columns, tile, input.channels, shared,
                columns + (tile.item * chunks + tile.chunk) * kinds * input.channels);
  write_scalars(sums, norm, shared, scalars + NormSums::count * static_cast<int64_t>(blockIdx.x));
}

}  // namespace

template <class S>
Tensor three_taps_forward(const Norm<S>& norm, const compute_type<S>* taps, const compute_type<S>* bias,
                          int64_t dilation, S* y, Stream stream, const Norm<S>* next, S* scaled) {
  const Chains chains = Chains::of(norm.frames, dilation);
  Tensor sums;
  with_tile_width<S>(norm.channels, {norm.x, y, scaled}, [&]<int width>() {
    const int64_t pieces = tile_blocks<width>(1, chains.chunks(), norm.channels);
    if (next) sums = Tensor::empty({norm.items, pieces, 2}, DType::float64, stream);
    launch(three_taps_forward_kernel<S, width>, dim3(blocks_for(norm.items * pieces, 1)), dim3(block_size), 0, stream,
           norm, taps, bias, chains, chains.chunks(), y, next ? *next : norm,
           next ? sums.mutable_data<double>() : nullptr, scaled);
  });
  return sums;
}

template <class S>
NormPartials three_taps_backward(const Norm<S>& norm, const compute_type<S>* taps, const S* dy, int64_t dilation, S* dn,
                                 Stream stream) {
  using T = compute_type<S>;
  const Chains chains = Chains::of(norm.frames, dilation);
  NormPartials partials;
  with_tile_width<S>(norm.channels, {norm.x, dy, dn}, [&]<int width>() {
    partials = NormPartials::of<width>(norm, kinds, chains.chunks(), stream);
    launch(three_taps_backward_kernel<S, width>, dim3(blocks_for(partials.scalars.numel() / NormSums::count, 1)),
           dim3(block_size), 0, stream, norm, taps, dy, chains, chains.chunks(), dn, partials.columns.mutable_data<T>(),
           partials.scalars.mutable_data<double>());
  });
  return partials;
}

#define SUNDER_INSTANTIATE(S, T)                                                                                   \
  template Tensor three_taps_forward(const Norm<S>&, const T*, const T*, int64_t, S*, Stream, const Norm<S>*, S*); \
  template NormPartials three_taps_backward(const Norm<S>&, const T*, const S*, int64_t, S*, Stream);
SUNDER_INSTANTIATE(bfloat16, float)
SUNDER_INSTANTIATE(float, float)
SUNDER_INSTANTIATE(double, double)
#undef SUNDER_INSTANTIATE

namespace {

// Any number of taps, in three launches.
template <class S>
NormPartials any_taps_backward(const Norm<S>& norm, const Tensor& grad_y, const Tensor& weight, int64_t dilation,
                               S* dn) {
  const int64_t kernel = weight.size(2);
  const Stream stream = grad_y.stream();
  depthwise<S>(grad_y, weight.data<compute_type<S>>(), nullptr, kernel, -dilation, dn, stream);
  const NormPartials partials = norm_backward_sums(norm, dn, kernel + 3, stream);
  depthwise_sums(norm, grad_y.data<S>(), kernel, dilation, partials.columns, 2);
  return partials;
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::prelu_norm_depthwise_forward(const PreluNormDepthwiseInputs& in, int64_t dilation, double eps, Tensor& y,
                                        Tensor& moments) {
  if (in.x.numel() == 0) return moments.zero();
  const Stream stream = in.x.stream();
  visit_stored("prelu_norm_depthwise", in.x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    Norm<S> norm = Norm<S>(in.x).activated(in.slope).with(in.gain, in.bias, moments);
    const Tensor sums = norm_sums(norm, stream);
    norm = with_sums(norm, sums, eps);
    const T *taps = in.weight.data<T>(), *bias = in.conv_bias.data<T>();
    S* out = y.mutable_data<S>();
    if (in.weight.size(2) != 3) return depthwise(norm, taps, bias, in.weight.size(2), dilation, out, stream);
    three_taps_forward(norm, taps, bias, dilation, out, stream);
  });
}

void cuda::prelu_norm_depthwise_backward(const Tensor& grad_y, const PreluNormDepthwiseInputs& in,
                                         const Tensor& moments, int64_t dilation, PreluNormDepthwiseInputs& grads) {
  if (in.x.numel() == 0) {
    for (const Tensor* grad : {&grads.slope, &grads.gain, &grads.bias, &grads.weight, &grads.conv_bias}) grad->zero();
    return;
  }
  visit_stored("prelu_norm_depthwise", in.x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    const Norm<S> norm = Norm<S>(in.x).activated(in.slope).with(in.gain, in.bias, moments);
    S* dn = grads.x.mutable_data<S>();  // the norm's gradient first, turned into that of x in place
    const NormPartials partials =
        in.weight.size(2) == 3
            ? three_taps_backward(norm, in.weight.data<T>(), grad_y.data<S>(), dilation, dn, in.x.stream())
            : any_taps_backward(norm, grad_y, in.weight, dilation, dn);
    const ColumnTotals<T> totals{grads.gain.mutable_data<T>(), grads.bias.mutable_data<T>(),
                                 grads.conv_bias.mutable_data<T>(), grads.weight.mutable_data<T>(), in.weight.size(2)};
    norm_backward_finish(norm, partials, totals, dn, grads.slope.mutable_data<T>(), dn);
  });
}

}  // namespace sunder
