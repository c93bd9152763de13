#include "tensor/ops/prelu_norm_linear.h"

#include "tensor/cuda/blas.h"
#include "tensor/ops/prelu_norm_linear.cuh"
#include "tensor/ops/sum.cuh"

// The norm is linear, so its output is never written: with a = gain * PReLU(x), W norm(PReLU(x)) = rstd (W a) + W bias
// - rstd mean W gain. One pass makes a and the sums behind mean and rstd, one product makes W a (and, from two more
// rows, W gain and W bias), one pass scales it. Floor: x read, a written and read, W a written and read, y written.
namespace sunder::cuda {
namespace {

// The products are kept in T, for what is left of them after the mean is taken away may be much smaller.
// products: (items * frames + 2, N), the last rows W gain and W bias; tiles as in global_norm.cuh, N columns.
template <class S, int width, class T = compute_type<S>>
__global__ void scale_products_kernel(Norm<S> norm, const T* products, const T* out_bias, int64_t columns,
                                      int64_t chunks, Paths<S> paths) {
  const Tile tile = Tile::of<width>(blockIdx.x, columns, chunks);
  const int64_t first = tile.chunk * tile_rows + threadIdx.x / 32, row_of_item = tile.item * norm.frames;
  const bool residual = tile.column < paths.channels;
  const int64_t across = residual ? paths.channels : columns - paths.channels;
  const int64_t column = residual ? tile.column : tile.column - paths.channels, item = row_of_item * across;
  const S* before = residual ? paths.x : paths.skip;
  Pack<T, width> rows[rows_per_thread];
  load_rows(products + row_of_item * columns, first, tile_warps, norm.frames, columns, tile.column, rows);
  Pack<S, width> added[rows_per_thread] = {};
  if (before) load_rows(before + item, first, tile_warps, norm.frames, across, column, added);
  const ItemMoments<T> moments = item_moments(norm, tile.item, tile.first_of_item() && threadIdx.x == 0);
  if (tile.column >= columns) return;
  const T* below = products + norm.items * norm.frames * columns + tile.column;
  const auto gain = load<width>(below), bias = load<width>(below + columns);
  const auto offset = load_parameters<width>(out_bias + tile.column);
  S* to = (residual ? paths.next : paths.skip_sum) + item + column;
#pragma unroll
  for (int i = 0; i < rows_per_thread; ++i) {
    const int64_t row = first + i * tile_warps;
    if (row >= norm.frames) break;
    const auto values = widen(added[i]);
    for (int k = 0; k < width; ++k)
      rows[i].at[k] =
          moments.rstd * (rows[i].at[k] - moments.mean * gain.at[k]) + (bias.at[k] + offset.at[k]) + values.at[k];
    store<width>(to + row * across, rows[i]);
  }
}

}  // namespace

template <class S>
void scale_products(const Norm<S>& norm, const compute_type<S>* products, const compute_type<S>* out_bias,
                    int64_t columns, const Paths<S>& paths, Stream stream) {
  const int64_t chunks = tile_chunks(norm.frames);
  // channels | columns: a multiple of a power of two where both are.
  with_tile_width<compute_type<S>>(
      paths.channels | columns, {products, paths.x, paths.skip, paths.next, paths.skip_sum}, [&]<int width>() {
        launch(scale_products_kernel<S, width>, dim3(blocks_for(tile_blocks<width>(norm.items, chunks, columns), 1)),
               dim3(block_size), 0, stream, norm, products, out_bias, columns, chunks, paths);
      });
}

#define SUNDER_INSTANTIATE(S, T) \
  template void scale_products(const Norm<S>&, const T*, const T*, int64_t, const Paths<S>&, Stream);
SUNDER_INSTANTIATE(bfloat16, float)
SUNDER_INSTANTIATE(float, float)
SUNDER_INSTANTIATE(double, double)
#undef SUNDER_INSTANTIATE

}  // namespace sunder::cuda

namespace sunder {

void cuda::prelu_norm_linear_forward(const PreluNormLinearInputs& in, Tf32 tf32, double eps, Tensor& y,
                                     Tensor& moments) {
  const int64_t channels = in.x.size(2), columns = in.weight.size(0);
  if (channels == 0) throw_error("[prelu_norm_linear] expected at least one channel, got {}", describe(in.x));
  if (in.x.numel() == 0 || columns == 0) return moments.zero();
  const int64_t rows = in.x.numel() / channels + 2;
  const Stream stream = in.x.stream();
  visit_stored("prelu_norm_linear", in.x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    Norm<S> norm = Norm<S>(in.x).activated(in.slope).with(in.gain, in.bias, moments);
    const Tensor scaled = Tensor::empty({rows, channels}, in.x.dtype(), stream);
    const Tensor sums = norm_sums(norm, stream, scaled.mutable_data<S>());
    norm = with_sums(norm, sums, eps);
    const Tensor products = Tensor::empty({rows, columns}, dtype_of<T>, stream);
    T* product = products.mutable_data<T>();
    blas::gemm<S>(stream, tf32, rows, columns, channels, 1, {scaled.data<S>(), channels},
                  {in.weight.data<S>(), channels, true}, 0, product, columns);
    scale_products(norm, product, in.out_bias.data<T>(), columns, {.skip_sum = y.mutable_data<S>()}, stream);
  });
}

void cuda::prelu_norm_linear_backward(const Tensor& grad_y, const PreluNormLinearInputs& in, const Tensor& moments,
                                      Tf32 tf32, PreluNormLinearInputs& grads) {
  const int64_t channels = in.x.size(2), columns = in.weight.size(0);
  if (grad_y.numel() == 0) {
    for (const Tensor* grad : {&grads.x, &grads.slope, &grads.gain, &grads.bias, &grads.weight, &grads.out_bias})
      grad->zero();
    return;
  }
  const int64_t rows = grad_y.numel() / columns;
  const Stream stream = in.x.stream();
  visit_stored("prelu_norm_linear", in.x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    const Norm<S> norm = Norm<S>(in.x).activated(in.slope).with(in.gain, in.bias, moments);
    const S* dy = grad_y.data<S>();
    {
      const Tensor normed = Tensor::empty_like(in.x);
      norm_apply(norm, normed.mutable_data<S>(), stream);
      blas::gemm<S>(stream, tf32, columns, channels, rows, 1, {dy, columns, true}, {normed.data<S>(), channels}, 0,
                    grads.weight.mutable_data<T>(), channels);
    }
    sum_over(dy, 1, rows, columns, grads.out_bias.mutable_data<T>(), stream);
    S* dn = grads.x.mutable_data<S>();  // the norm's gradient first, turned into that of x in place
    blas::gemm<S>(stream, tf32, rows, channels, columns, 1, {dy, columns}, {in.weight.data<S>(), channels}, 0, dn,
                  channels);
    const NormPartials partials = norm_backward_sums(norm, dn, 2, stream);
    const ColumnTotals<T> totals{grads.gain.mutable_data<T>(), grads.bias.mutable_data<T>()};
    norm_backward_finish(norm, partials, totals, dn, grads.slope.mutable_data<T>(), dn);
  });
}

}  // namespace sunder
