#include "tensor/ops/conv_block.h"

#include "tensor/cuda/blas.h"
#include "tensor/ops/prelu_norm_depthwise.cuh"
#include "tensor/ops/prelu_norm_linear.cuh"
#include "tensor/ops/sum.cuh"

// Five launches forward, ten backward, including the products. Unlike in the separate ops, the following need no pass
// of their own: forward the first bias (left out of h, added where h is loaded), the second norm's sums (computed by
// the convolution that writes y) and the two sums at the end; backward the sums for d in_bias (computed by the kernel
// that writes dh) and d out_bias, and the sum of x's two gradients (the last product adds to the first of them). Floor:
// x, skip and their two sums, a = gain PReLU(y) once, h and W a twice, y written once.
namespace sunder::cuda {
namespace {

// Writes the two gradients side by side, as the products take them, their column sums, and the first gradient also into
// dx. Tiles run over all rows; a null gradient is zero. Floor: both read once, `both` and dx written once.
template <class S, int width, class T = compute_type<S>>
__global__ void join_gradients_kernel(const S* grad_next, const S* grad_skip_sum, int64_t rows, int64_t channels,
                                      int64_t columns, int64_t chunks, S* both, S* dx, ColumnSums<T> of_both) {
  SUNDER_SHARED(double[block_size * width], shared);
  const Tile tile = Tile::of<width>(blockIdx.x, columns, chunks);
  const int64_t first = tile.chunk * tile_rows + threadIdx.x / 32;
  const bool residual = tile.column < channels;
  const S* from = residual ? grad_next : grad_skip_sum;
  Pack<S, width> grads[rows_per_thread] = {};
  if (from)
    load_rows(from, first, tile_warps, rows, residual ? channels : columns - channels,
              residual ? tile.column : tile.column - channels, grads);
  T sums[1][width] = {};
#pragma unroll
  for (int i = 0; i < rows_per_thread; ++i) {
    const int64_t row = first + i * tile_warps;
    if (row >= rows || tile.column >= columns) break;
    store(both + row * columns + tile.column, grads[i]);
    if (residual) store(dx + row * channels + tile.column, grads[i]);
    const auto values = widen(grads[i]);
    for (int k = 0; k < width; ++k) sums[0][k] += values.at[k];
  }
  add_tiles(sums, tile, tile.chunk, chunks, columns, of_both, shared);
}

template <class S>
Tensor join_gradients(const Tensor& grad_next, const Tensor& grad_skip_sum, Tensor& dx, int64_t columns,
                      compute_type<S>* sums) {
  const int64_t channels = dx.size(2), rows = dx.numel() / channels, chunks = ceil_div(rows, tile_rows);
  const Stream stream = dx.stream();
  Tensor both = Tensor::empty({dx.size(0), dx.size(1), columns}, dx.dtype(), stream), tiles;
  const auto of_both = ColumnSums<compute_type<S>>::of(sums, chunks, columns, tiles, stream);
  const S* next = grad_next.defined() ? grad_next.data<S>() : nullptr;
  const S* skip_sum = grad_skip_sum.defined() ? grad_skip_sum.data<S>() : nullptr;
  with_tile_width<S>(channels | columns, {next, skip_sum}, [&]<int width>() {
    launch(join_gradients_kernel<S, width>, dim3(blocks_for(tile_blocks<width>(1, chunks, columns), 1)),
           dim3(block_size), 0, stream, next, skip_sum, rows, channels, columns, chunks, both.mutable_data<S>(),
           dx.mutable_data<S>(), of_both);
  });
  return both;
}

// What the fused kernels support: three taps, and no empty tensor.
bool fused(const ConvBlock<Tensor>& in) {
  return in.conv_weight.size(2) == 3 && in.x.numel() > 0 && in.conv_weight.numel() > 0 && in.out_bias.numel() > 0;
}

template <class S>
Norm<S> norm_of_hidden(const ConvBlock<Tensor>& in, const ConvBlockResult& saved) {
  const Norm<S> norm = Norm<S>(saved.hidden).plus(in.in_bias).activated(in.in_slope);
  return norm.with(in.in_gain, in.in_shift, saved.hidden_moments);
}
template <class S>
Norm<S> norm_of_mixed(const ConvBlock<Tensor>& in, const ConvBlockResult& saved) {
  return Norm<S>(saved.mixed).activated(in.conv_slope).with(in.conv_gain, in.conv_shift, saved.mixed_moments);
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::conv_block_forward(const ConvBlock<Tensor>& in, const ConvBlockOptions& options, ConvBlockResult& result) {
  if (!fused(in)) return cpu::conv_block_forward(in, options, result);
  const int64_t items = in.x.size(0), frames = in.x.size(1), channels = in.x.size(2), hidden = in.in_weight.size(0);
  const int64_t columns = in.out_weight.size(0), rows = items * frames, residual = options.residual ? channels : 0;
  const Stream stream = in.x.stream();
  const auto empty = [&](Shape shape) { return Tensor::empty(std::move(shape), in.x.dtype(), stream); };
  result.hidden = empty({items, frames, hidden});
  result.mixed = empty({items, frames, hidden});
  for (Tensor* moments : {&result.hidden_moments, &result.mixed_moments})
    *moments = Tensor::empty({items, 2}, compute_dtype(in.x.dtype()), stream);
  if (options.residual) result.next = empty({items, frames, channels});
  result.skip_sum = empty({items, frames, columns - residual});
  visit_stored("conv_block", in.x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    blas::gemm<S>(stream, options.tf32, rows, hidden, channels, 1, {in.x.data<S>(), channels},
                  {in.in_weight.data<S>(), channels, true}, 0, result.hidden.mutable_data<S>(), hidden);
    const Norm<S> of_hidden = norm_of_hidden<S>(in, result), of_mixed = norm_of_mixed<S>(in, result);
    const Tensor scaled = empty({rows + 2, hidden});
    const Tensor hidden_sums = norm_sums(of_hidden, stream);
    const Tensor mixed_sums = three_taps_forward(
        with_sums(of_hidden, hidden_sums, options.eps), in.conv_weight.data<T>(), in.conv_bias.data<T>(),
        options.dilation, result.mixed.mutable_data<S>(), stream, &of_mixed, scaled.mutable_data<S>());
    const Tensor products = Tensor::empty({rows + 2, columns}, dtype_of<T>, stream);
    blas::gemm<S>(stream, options.tf32, rows + 2, columns, hidden, 1, {scaled.data<S>(), hidden},
                  {in.out_weight.data<S>(), hidden, true}, 0, products.mutable_data<T>(), columns);
    Paths<S> paths{.skip_sum = result.skip_sum.mutable_data<S>(), .channels = residual};
    if (in.skip.defined()) paths.skip = in.skip.data<S>();
    if (options.residual) {
      paths.x = in.x.data<S>();
      paths.next = result.next.mutable_data<S>();
    }
    scale_products(with_sums(of_mixed, mixed_sums, options.eps), products.data<T>(), in.out_bias.data<T>(), columns,
                   paths, stream);
  });
}

void cuda::conv_block_backward(const Tensor& grad_next, const Tensor& grad_skip_sum, const ConvBlock<Tensor>& in,
                               const ConvBlockResult& saved, const ConvBlockOptions& options,
                               ConvBlock<Tensor>& grads) {
  if (!fused(in)) return cpu::conv_block_backward(grad_next, grad_skip_sum, in, saved, options, grads);
  const int64_t channels = in.x.size(2), hidden = in.in_weight.size(0), columns = in.out_weight.size(0);
  const int64_t rows = in.x.numel() / channels;
  const Stream stream = in.x.stream();
  const Tf32 tf32 = options.tf32;
  const auto like = [](const Tensor& tensor) { return Tensor::empty_like(tensor); };
  grads = {like(in.x),           empty_gradient(in.in_weight),
           like(in.in_bias),     like(in.in_slope),
           like(in.in_gain),     like(in.in_shift),
           like(in.conv_weight), like(in.conv_bias),
           like(in.conv_slope),  like(in.conv_gain),
           like(in.conv_shift),  empty_gradient(in.out_weight),
           like(in.out_bias),    Tensor()};
  visit_stored("conv_block", in.x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    const Norm<S> of_hidden = norm_of_hidden<S>(in, saved), of_mixed = norm_of_mixed<S>(in, saved);
    Tensor both = grad_skip_sum;
    T* out_bias = grads.out_bias.mutable_data<T>();
    if (options.residual) both = join_gradients<S>(grad_next, grad_skip_sum, grads.x, columns, out_bias);
    else sum_over(both.data<S>(), 1, rows, columns, out_bias, stream);
    {
      const Tensor normed = like(saved.mixed);
      norm_apply(of_mixed, normed.mutable_data<S>(), stream);
      blas::gemm<S>(stream, tf32, columns, hidden, rows, 1, {both.data<S>(), columns, true}, {normed.data<S>(), hidden},
                    0, grads.out_weight.mutable_data<T>(), hidden);
    }
    const Tensor of_mixed_grad = like(saved.mixed), of_hidden_grad = like(saved.hidden);
    S *dy = of_mixed_grad.mutable_data<S>(), *dh = of_hidden_grad.mutable_data<S>();
    blas::gemm<S>(stream, tf32, rows, hidden, columns, 1, {both.data<S>(), columns}, {in.out_weight.data<S>(), hidden},
                  0, dy, hidden);
    norm_backward_finish(of_mixed, norm_backward_sums(of_mixed, dy, 2, stream),
                         {grads.conv_gain.mutable_data<T>(), grads.conv_shift.mutable_data<T>()}, dy,
                         grads.conv_slope.mutable_data<T>(), dy);
    const NormPartials partials =
        three_taps_backward(of_hidden, in.conv_weight.data<T>(), dy, options.dilation, dh, stream);
    norm_backward_finish(of_hidden, partials,
                         {grads.in_gain.mutable_data<T>(), grads.in_shift.mutable_data<T>(),
                          grads.conv_bias.mutable_data<T>(), grads.conv_weight.mutable_data<T>(), 3},
                         dh, grads.in_slope.mutable_data<T>(), dh, grads.in_bias.mutable_data<T>());
    blas::gemm<S>(stream, tf32, hidden, channels, rows, 1, {dh, hidden, true}, {in.x.data<S>(), channels}, 0,
                  grads.in_weight.mutable_data<T>(), channels);
    blas::gemm<S>(stream, tf32, rows, channels, hidden, 1, {dh, hidden}, {in.in_weight.data<S>(), channels},
                  options.residual ? 1 : 0, grads.x.mutable_data<S>(), channels);
  });
}

}  // namespace sunder
