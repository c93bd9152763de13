#include "tensor/ops/global_norm.h"

#include "tensor/ops/global_norm.cuh"

// Floor of a forward pass: x twice (the second time from the L2 cache, if it fits), y once. Backward: dn and x twice,
// dx once.
namespace sunder::cuda {
namespace {

// A thread sums its rows in T, the block its threads in float64.
template <class S, int width>
__global__ void norm_sums_kernel(Norm<S> norm, int64_t chunks, double* sums, S* scaled) {
  using T = compute_type<S>;
  SUNDER_SHARED(double[tile_warps], partial);
  const Tile tile = Tile::of<width>(blockIdx.x, norm.channels, chunks);
  const T slope = norm.slope ? norm.slope[0] : T(1);
  const int64_t first = tile.chunk * tile_rows + threadIdx.x / 32, item = tile.item * norm.frames * norm.channels;
  Pack<S, width> rows[rows_per_thread];
  load_rows(norm.x + item, first, tile_warps, norm.frames, norm.channels, tile.column, rows);
  const auto offset = load_parameters<width>(norm.offset, tile.column, norm.channels, T(0));
  T sum = 0, squares = 0;
#pragma unroll
  for (int i = 0; i < rows_per_thread; ++i) {
    if (first + i * tile_warps >= norm.frames) break;
    const auto x = plus(rows[i], offset);
    for (int k = 0; k < width; ++k) {
      const T a = activate(x.at[k], slope);
      sum += a;
      squares += a * a;
    }
  }
  write_norm_sums(sum, squares, partial, sums);
  if (!scaled || tile.column >= norm.channels) return;
  const auto gain = load_parameters<width>(norm.gain + tile.column);
#pragma unroll
  for (int i = 0; i < rows_per_thread; ++i) {
    const int64_t row = first + i * tile_warps;
    if (row >= norm.frames) break;
    auto values = plus(rows[i], offset);
    for (int k = 0; k < width; ++k) values.at[k] = activate(values.at[k], slope) * gain.at[k];
    store<width>(scaled + item + row * norm.channels + tile.column, values);
  }
  write_below<width>(norm, tile, scaled);
}

template <class S, int width>
__global__ void norm_apply_kernel(Norm<S> norm, int64_t chunks, S* y) {
  const Tile tile = Tile::of<width>(blockIdx.x, norm.channels, chunks);
  const int64_t first = tile.chunk * tile_rows + threadIdx.x / 32, item = tile.item * norm.frames * norm.channels;
  Pack<S, width> rows[rows_per_thread];
  load_rows(norm.x + item, first, tile_warps, norm.frames, norm.channels, tile.column, rows);
  const NormAffine<compute_type<S>, width> affine(norm, tile);
  if (tile.column >= norm.channels) return;
#pragma unroll
  for (int i = 0; i < rows_per_thread; ++i) {
    const int64_t row = first + i * tile_warps;
    if (row < norm.frames) store<width>(y + item + row * norm.channels + tile.column, affine(widen(rows[i])));
  }
}

// Rows whose x and dn a thread holds at a time. With more, registers would halve the number of warps; two where it also
// holds the offset and the sums of its columns.
constexpr int rows_at_once = 4, finish_rows_at_once = 2;

template <class S, int width, class T = compute_type<S>>
__global__ void norm_backward_sums_kernel(Norm<S> norm, const S* dn, int64_t chunks, int64_t kinds, T* columns,
                                          double* scalars) {
  SUNDER_SHARED(T[2 * block_size * width], shared);
  const Tile tile = Tile::of<width>(blockIdx.x, norm.channels, chunks);
  const NormAffine<T, width> affine(norm, tile);
  NormAccumulator<T, 2, width> sums;
  const int64_t first = tile.chunk * tile_rows + threadIdx.x / 32, item = tile.item * norm.frames * norm.channels;
  for (int turn = 0; turn < rows_per_thread / rows_at_once; ++turn) {
    const int64_t from = first + turn * rows_at_once * tile_warps;
    Pack<S, width> x[rows_at_once], grad[rows_at_once];  // zeros outside the item add nothing
    load_rows(norm.x + item, from, tile_warps, norm.frames, norm.channels, tile.column, x);
    load_rows(dn + item, from, tile_warps, norm.frames, norm.channels, tile.column, grad);
    for (int i = 0; i < rows_at_once; ++i) sums.add(affine, widen(x[i]), widen(grad[i]));
  }
  write_columns(sums.columns, tile, norm.channels, shared,
                columns + (tile.item * chunks + tile.chunk) * kinds * norm.channels);
  write_scalars(sums, affine, shared, scalars + NormSums::count * static_cast<int64_t>(blockIdx.x));
}

// One lane per column of all kinds; a warp takes every eighth row of `columns`.
template <class T>
__device__ void add_columns(const T* columns, int64_t rows, int64_t kinds, int64_t channels,
                            const ColumnTotals<T>& totals, double* shared) {
  const int64_t column = static_cast<int64_t>(blockIdx.x) * 32 + threadIdx.x % 32, across = kinds * channels;
  double sum = 0;
  if (column < across) {
#pragma unroll 4
    for (int64_t row = threadIdx.x / 32; row < rows; row += tile_warps)
      sum += static_cast<double>(columns[row * across + column]);
  }
  shared[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x >= 32 || column >= across) return;
  for (int w = 1; w < tile_warps; ++w) sum += shared[w * 32 + threadIdx.x];
  const int64_t c = column % channels, kind = column / channels + (totals.gain ? 0 : 2);
  if (kind == 0) totals.gain[c] = static_cast<T>(sum);
  else if (kind == 1) totals.bias[c] = static_cast<T>(sum);
  else if (kind == 2) totals.conv_bias[c] = static_cast<T>(sum);
  else totals.taps[c * totals.kernel + kind - 3] = static_cast<T>(sum);
}

// Eight lanes per item.
template <class S, class T>
__device__ void add_slope(const Norm<S>& norm, const double* scalars, int64_t parts, T* grad_slope, double* shared) {
  constexpr int lanes = 8;
  const double count = static_cast<double>(norm.frames * norm.channels);
  double total = 0;
  for (int64_t item = threadIdx.x / lanes; item < norm.items; item += block_size / lanes) {
    double sums[NormSums::count] = {};
    for (int64_t part = threadIdx.x % lanes; part < parts; part += lanes)
      for (int i = 0; i < NormSums::count; ++i) sums[i] += scalars[(item * parts + part) * NormSums::count + i];
    for (int i = 0; i < NormSums::count; ++i) sums[i] = lanes_reduce<lanes>(sums[i], Sum{});
    const double rest =
        sums[NormSums::g] * sums[NormSums::negative_x] + sums[NormSums::gx] * sums[NormSums::negative_xh];
    const double of_item =
        static_cast<double>(norm.moments[2 * item + 1]) * (sums[NormSums::negative_gx] - rest / count);
    if (threadIdx.x % lanes == 0) total += of_item;
  }
  total = block_sum<block_size>(total, shared);
  if (threadIdx.x == 0) grad_slope[0] = static_cast<T>(total);
}

// The first blocks finish the parameters' gradients while the others write dx.
template <class S, int width, class T = compute_type<S>>
__global__ void norm_backward_finish_kernel(Norm<S> norm, const T* columns, int64_t rows, int64_t kinds,
                                            const double* scalars, int64_t parts, ColumnTotals<T> totals,
                                            int64_t column_blocks, T* grad_slope, const S* dn, int64_t chunks, S* dx,
                                            ColumnSums<T> of_dx) {
  SUNDER_SHARED(double[block_size * width], shared);
  const int64_t parameter_blocks = column_blocks + (grad_slope ? 1 : 0);
  if (blockIdx.x < column_blocks) return add_columns(columns, rows, kinds, norm.channels, totals, shared);
  if (blockIdx.x < parameter_blocks) return add_slope(norm, scalars, parts, grad_slope, shared);
  const Tile tile = Tile::of<width>(blockIdx.x - parameter_blocks, norm.channels, chunks);
  const NormAffine<T, width> affine(norm, tile);
  double g = 0, gx = 0;
  for (int64_t part = threadIdx.x % 32; part < parts; part += 32) {
    const double* of = scalars + (tile.item * parts + part) * NormSums::count;
    g += of[NormSums::g];
    gx += of[NormSums::gx];
  }
  const double count = static_cast<double>(norm.frames * norm.channels);
  const T mean_g = static_cast<T>(warp_sum(g) / count), mean_gx = static_cast<T>(warp_sum(gx) / count);
  const auto offset = load_parameters<width>(norm.offset, tile.column, norm.channels, T(0));
  T columns_of_dx[1][width] = {};
  const int64_t first = tile.chunk * tile_rows + threadIdx.x / 32, item = tile.item * norm.frames * norm.channels;
  for (int turn = 0; turn < rows_per_thread / finish_rows_at_once; ++turn) {
    const int64_t from = first + turn * finish_rows_at_once * tile_warps;
    Pack<S, width> x[finish_rows_at_once], grad[finish_rows_at_once];
    load_rows(norm.x + item, from, tile_warps, norm.frames, norm.channels, tile.column, x);
    load_rows(dn + item, from, tile_warps, norm.frames, norm.channels, tile.column, grad);
#pragma unroll
    for (int i = 0; i < finish_rows_at_once; ++i) {
      const int64_t row = from + i * tile_warps;
      if (row >= norm.frames || tile.column >= norm.channels) break;
      const auto input = plus(x[i], offset);
      auto values = widen(grad[i]);
      for (int k = 0; k < width; ++k) {
        const T xh = affine.normed(input.at[k]);
        const T da = affine.moments.rstd * (affine.gain[k] * values.at[k] - mean_g - xh * mean_gx);
        values.at[k] = input.at[k] > 0 ? da : affine.slope * da;
        columns_of_dx[0][k] += values.at[k];
      }
      store<width>(dx + item + row * norm.channels + tile.column, values);
    }
  }
  if (of_dx.total)
    add_tiles(columns_of_dx, tile, tile.item * chunks + tile.chunk, norm.items * chunks, norm.channels, of_dx, shared);
}

}  // namespace

template <class S>
Tensor norm_sums(const Norm<S>& norm, Stream stream, S* scaled) {
  const int64_t chunks = tile_chunks(norm.frames);
  Tensor sums;
  with_tile_width<S>(norm.channels, {norm.x, scaled}, [&]<int width>() {
    sums = Tensor::empty({norm.items, tile_blocks<width>(1, chunks, norm.channels), 2}, DType::float64, stream);
    launch(norm_sums_kernel<S, width>, dim3(blocks_for(norm.items * sums.size(1), 1)), dim3(block_size), 0, stream,
           norm, chunks, sums.mutable_data<double>(), scaled);
  });
  return sums;
}

template <class S>
void norm_apply(const Norm<S>& norm, S* y, Stream stream) {
  SUNDER_ASSERT(!norm.offset);
  const int64_t chunks = tile_chunks(norm.frames);
  with_tile_width<S>(norm.channels, {norm.x, y}, [&]<int width>() {
    launch(norm_apply_kernel<S, width>, dim3(blocks_for(tile_blocks<width>(norm.items, chunks, norm.channels), 1)),
           dim3(block_size), 0, stream, norm, chunks, y);
  });
}

template <class S>
NormPartials norm_backward_sums(const Norm<S>& norm, const S* dn, int64_t kinds, Stream stream) {
  SUNDER_ASSERT(!norm.offset);
  const int64_t chunks = tile_chunks(norm.frames);
  NormPartials partials;
  with_tile_width<S>(norm.channels, {norm.x, dn}, [&]<int width>() {
    partials = NormPartials::of<width>(norm, kinds, chunks, stream);
    launch(norm_backward_sums_kernel<S, width>, dim3(blocks_for(partials.scalars.numel() / NormSums::count, 1)),
           dim3(block_size), 0, stream, norm, dn, chunks, kinds, partials.columns.mutable_data<compute_type<S>>(),
           partials.scalars.mutable_data<double>());
  });
  return partials;
}

template <class S>
void norm_backward_finish(const Norm<S>& norm, const NormPartials& partials,
                          const ColumnTotals<compute_type<S>>& totals, const S* dn, compute_type<S>* grad_slope, S* dx,
                          compute_type<S>* grad_offset) {
  const int64_t chunks = tile_chunks(norm.frames), rows = partials.columns.size(0), kinds = partials.columns.size(1);
  const int64_t column_blocks = ceil_div(kinds * norm.channels, 32);
  const int64_t parts = partials.scalars.defined() ? partials.scalars.size(1) : 0;
  const Stream stream = partials.columns.stream();
  ColumnSums<compute_type<S>> of_dx;
  Tensor tiles;
  if (grad_offset) of_dx = of_dx.of(grad_offset, norm.items * chunks, norm.channels, tiles, stream);
  with_tile_width<S>(norm.channels, {norm.x, dn, dx}, [&]<int width>() {
    const int64_t blocks = dx ? tile_blocks<width>(norm.items, chunks, norm.channels) : 0;
    launch(norm_backward_finish_kernel<S, width>, dim3(blocks_for(column_blocks + (grad_slope ? 1 : 0) + blocks, 1)),
           dim3(block_size), 0, stream, norm, partials.columns.data<compute_type<S>>(), rows, kinds,
           parts > 0 ? partials.scalars.data<double>() : nullptr, parts, totals, column_blocks, grad_slope, dn, chunks,
           dx, of_dx);
  });
}

#define SUNDER_INSTANTIATE(S, T)                                                       \
  template Tensor norm_sums(const Norm<S>&, Stream, S*);                               \
  template void norm_apply(const Norm<S>&, S*, Stream);                                \
  template NormPartials norm_backward_sums(const Norm<S>&, const S*, int64_t, Stream); \
  template void norm_backward_finish(const Norm<S>&, const NormPartials&, const ColumnTotals<T>&, const S*, T*, S*, T*);
SUNDER_INSTANTIATE(bfloat16, float)
SUNDER_INSTANTIATE(float, float)
SUNDER_INSTANTIATE(double, double)
#undef SUNDER_INSTANTIATE

}  // namespace sunder::cuda

namespace sunder {

void cuda::global_norm_forward(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps, Tensor& y,
                               Tensor& moments) {
  if (x.numel() == 0) return moments.zero();
  visit_stored("global_norm", x.dtype(), [&]<class S>() {
    const Norm<S> norm = Norm<S>(x).with(gain, bias, moments);
    const Tensor sums = norm_sums(norm, x.stream());
    norm_apply(with_sums(norm, sums, eps), y.mutable_data<S>(), x.stream());
  });
}

void cuda::global_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& gain, const Tensor& moments,
                                GlobalNormGrads& grads) {
  if (x.numel() == 0) {
    grads.gain.zero();
    return grads.bias.zero();
  }
  visit_stored("global_norm", x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    const Norm<S> norm = Norm<S>(x).with(gain, Tensor(), moments);
    const NormPartials partials = norm_backward_sums(norm, grad_y.data<S>(), 2, x.stream());
    const ColumnTotals<T> totals{grads.gain.mutable_data<T>(), grads.bias.mutable_data<T>()};
    norm_backward_finish(norm, partials, totals, grad_y.data<S>(), nullptr,
                         grads.x.defined() ? grads.x.mutable_data<S>() : nullptr);
  });
}

}  // namespace sunder
