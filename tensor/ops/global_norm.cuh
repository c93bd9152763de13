// The CUDA parts of a global layer norm over PReLU(x + offset), shared by global_norm (no PReLU), prelu_norm_depthwise,
// prelu_norm_linear (no offset) and conv_block. Sums over an item stay partial sums: every block of the next kernel
// adds up its item's again, in one order, which costs less than a launch that does nothing else.
#pragma once

#include "tensor/cuda/last_block.cuh"

namespace sunder::cuda {

// S is the storage type of tensors, T = compute_type<S> the type of arithmetic, parameters and sums.

// A norm's input and parameters. Without a gain there is no norm at all: n = x.
template <class S>
struct Norm {
  using T = compute_type<S>;
  const S* x;  // (items, frames, channels)
  int64_t items, frames, channels;
  const T *slope = nullptr, *gain = nullptr, *bias = nullptr;  // slope: (1), or null for no PReLU; gain, bias: (C)
  const T* offset = nullptr;                                   // (C), what x lacks: a bias before the PReLU; or null
  T* moments = nullptr;                                        // (items, 2): mean and 1 / sqrt(variance + eps)
  double eps = 0;
  // The partial sums to compute `moments` from: of PReLU(x) and of its square, (items, pieces, 2). Null: the moments
  // are known.
  const double* sums = nullptr;
  int64_t pieces = 0;

  Norm(const Tensor& input)  // NOLINT: (B, T, C)
      : x(input.data<S>()), items(input.size(0)), frames(input.size(1)), channels(input.size(2)) {}
  Norm with(const Tensor& gain_, const Tensor& bias_, const Tensor& moments_) const {
    Norm norm = *this;
    norm.gain = gain_.data<T>();
    norm.bias = bias_.defined() ? bias_.data<T>() : nullptr;
    norm.moments = moments_.mutable_data<T>();
    return norm;
  }
  Norm activated(const Tensor& slope_) const {
    Norm norm = *this;
    norm.slope = slope_.data<T>();
    return norm;
  }
  Norm plus(const Tensor& offset_) const {
    Norm norm = *this;
    norm.offset = offset_.data<T>();
    return norm;
  }
};

// Computes the sums for norm.sums on `stream`; keep them until the kernel that uses them is queued. With `scaled` the
// same pass also writes gain * PReLU(x) and, below it, the rows gain and bias: (items * frames + 2, C).
template <class S>
Tensor norm_sums(const Norm<S>& norm, Stream stream, S* scaled = nullptr);
// `norm` with sums.
template <class S>
Norm<S> with_sums(Norm<S> norm, const Tensor& sums, double eps) {
  norm.sums = sums.data<double>();
  norm.pieces = sums.size(1);
  norm.eps = eps;
  return norm;
}

// y = gain * (PReLU(x) - mean) * rstd + bias; computes the moments unless they are known.
template <class S>
void norm_apply(const Norm<S>& norm, S* y, Stream stream);

// Tiles. A block takes tile_rows frames of an item and one pack of columns per lane; each of its warps takes every
// eighth frame, so that the accesses of a warp are contiguous. A thread loads all its rows before it uses or stores
// one, because memory takes hundreds of cycles to answer.
inline constexpr int tile_warps = block_size / 32, rows_per_thread = 8;
inline constexpr int64_t tile_rows = tile_warps * rows_per_thread;
inline int64_t tile_chunks(int64_t frames) { return ceil_div(frames, tile_rows); }

struct Tile {
  int64_t item, chunk, first_column, column;  // `column` is this thread's and may lie beyond the last

  template <int width>
  __device__ static Tile of(int64_t block, int64_t channels, int64_t chunks) {
    const int64_t tiles = ceil_div(channels, 32 * width), row = block / tiles, item = row / chunks;
    const int64_t first = (block - row * tiles) * 32 * width;
    return {item, row - item * chunks, first, first + threadIdx.x % 32 * width};
  }
  __device__ bool first_of_item() const { return chunk == 0 && first_column == 0; }
};
template <int width>
int64_t tile_blocks(int64_t items, int64_t chunks, int64_t channels) {
  return items * chunks * ceil_div(channels, 32 * width);
}

// A pack of a tile fits 16 bytes in the compute type, so it has four bfloat16 and not eight: 128 channels then fill a
// warp, and a thread's registers hold the sums of its columns (with eight the three-tap gradient spills).
template <class S, class F>
void with_tile_width(int64_t row, std::initializer_list<const void*> addresses, F&& f) {
  with_pack_width<S, 16 / sizeof(compute_type<S>)>(row, addresses, f);
}

// rows[i] = the pack at frame first + i * step of an item and column, zeros outside the item. x: (frames, channels)
template <int width, int count, class T>
__device__ __forceinline__ void load_rows(const T* x, int64_t first, int64_t step, int64_t frames, int64_t channels,
                                          int64_t column, Pack<T, width> (&rows)[count]) {
#pragma unroll
  for (int i = 0; i < count; ++i) {
    const int64_t row = first + i * step;
    const bool inside = row >= 0 && row < frames && column < channels;
    rows[i] = inside ? load<width>(x + row * channels + column) : Pack<T, width>{};
  }
}

// Parameters are slices of one buffer and may begin anywhere, so they are read one by one, from the cache.
template <int width, class T>
__device__ __forceinline__ Pack<T, width> load_parameters(const T* from) {
  Pack<T, width> pack;
  for (int k = 0; k < width; ++k) pack.at[k] = from[k];
  return pack;
}

// The same for a thread's columns; `otherwise` beyond the last one, and where there are no parameters.
template <int width, class T>
__device__ __forceinline__ Pack<T, width> load_parameters(const T* from, int64_t column, int64_t channels,
                                                          T otherwise) {
  const bool given = from && column < channels;
  Pack<T, width> pack;
  for (int k = 0; k < width; ++k) pack.at[k] = given ? from[column + k] : otherwise;
  return pack;
}

// `values` in the compute type, plus `offset`.
template <class S, class T, int width>
__device__ __forceinline__ Pack<T, width> plus(const Pack<S, width>& values, const Pack<T, width>& offset) {
  Pack<T, width> sum = widen(values);
  for (int k = 0; k < width; ++k) sum.at[k] += offset.at[k];
  return sum;
}

template <class T>
__device__ __forceinline__ T activate(T x, T slope) {
  return x > 0 ? x : slope * x;
}

template <class T>
struct ItemMoments {
  T mean, rstd;
};

// Called by whole warps; each adds up the sums by itself, which needs no barrier. `writes`: this thread also stores
// them.
template <class S, class T = compute_type<S>>
__device__ __forceinline__ ItemMoments<T> item_moments(const Norm<S>& norm, int64_t item, bool writes) {
  if (!norm.sums) return {norm.moments[2 * item], norm.moments[2 * item + 1]};
  double sum = 0, squares = 0;
  for (int64_t piece = threadIdx.x % 32; piece < norm.pieces; piece += 32) {
    const auto pair = load<2>(norm.sums + 2 * (item * norm.pieces + piece));
    sum += pair.at[0];
    squares += pair.at[1];
  }
  const double count = static_cast<double>(norm.frames * norm.channels);
  const double mean = warp_sum(sum) / count, variance = warp_sum(squares) / count - mean * mean;
  const ItemMoments<T> result{static_cast<T>(mean),
                              static_cast<T>(1 / sqrt((variance > 0 ? variance : 0.0) + norm.eps))};
  if (writes) {
    norm.moments[2 * item] = result.mean;
    norm.moments[2 * item + 1] = result.rstd;
  }
  return result;
}

// The norm of one thread's columns: n = scale * PReLU(x) + shift, x with the offset, if there is one.
template <class T, int width>
struct NormAffine {
  ItemMoments<T> moments{T(0), T(1)};
  T slope = 1, gain[width], bias[width], scale[width], shift[width];

  template <class S>
  __device__ NormAffine(const Norm<S>& norm, const Tile& tile) {
    if (norm.slope) slope = norm.slope[0];
    if (norm.gain) moments = item_moments(norm, tile.item, tile.first_of_item() && threadIdx.x == 0);
    const auto gains = load_parameters<width>(norm.gain, tile.column, norm.channels, T(1));
    const auto biases = load_parameters<width>(norm.bias, tile.column, norm.channels, T(0));
    for (int k = 0; k < width; ++k) {
      gain[k] = gains.at[k];
      bias[k] = biases.at[k];
      scale[k] = gain[k] * moments.rstd;
      shift[k] = bias[k] - scale[k] * moments.mean;
    }
  }
  // n = gain * xh + bias, for kernels that need xh too: one register less per column.
  __device__ __forceinline__ T normed(T x) const { return (activate(x, slope) - moments.mean) * moments.rstd; }
  __device__ __forceinline__ Pack<T, width> operator()(const Pack<T, width>& x) const {
    Pack<T, width> n;
    for (int k = 0; k < width; ++k) n.at[k] = scale[k] * activate(x.at[k], slope) + shift[k];
    return n;
  }
};

// Sums PReLU(x) and its square of a norm's input over the threads of a block, in float64, into the block's pair.
// `partial`: tile_warps values.
template <class T>
__device__ __forceinline__ void write_norm_sums(T sum, T squares, double* partial, double* sums) {
  const double total = block_sum<block_size>(static_cast<double>(sum), partial);
  const double total_squares = block_sum<block_size>(static_cast<double>(squares), partial);
  if (threadIdx.x == 0) store<2>(sums + 2 * static_cast<int64_t>(blockIdx.x), Pack<double, 2>{total, total_squares});
}

// The rows gain and bias below the last one of `scaled`, by the first warp of the first item's tiles.
template <int width, class S>
__device__ __forceinline__ void write_below(const Norm<S>& norm, const Tile& tile, S* scaled) {
  if (tile.item > 0 || tile.chunk > 0 || threadIdx.x >= 32) return;
  S* below = scaled + norm.items * norm.frames * norm.channels + tile.column;
  store<width>(below, load_parameters<width>(norm.gain + tile.column));
  store<width>(below + norm.channels, load_parameters<width>(norm.bias + tile.column));
}

// Behind the gradient dn of the norm's output. With xh = (PReLU(x) - mean) * rstd and g = gain * dn:
//   da = rstd (g - mean(g) - xh mean(g xh)), dgain = sum of dn xh, dbias = sum of dn,
//   dslope = sum of da x where x <= 0 = rstd (sum of g x - mean(g) sum of x - mean(g xh) sum of xh x), all there,
// means over an item. So one pass makes sums, and one writes dx and finishes the parameters' gradients.

// Sums of one thread over its rows; kinds of columns: 0 dgain, 1 dbias, then what the caller adds.
struct NormSums {
  enum Scalar { g, gx, negative_gx, negative_x, negative_xh, count };
};
template <class T, int kinds, int width>
struct NormAccumulator {
  T columns[kinds][width] = {};
  T scalars[NormSums::count] = {};

  __device__ __forceinline__ void add(const NormAffine<T, width>& norm, const Pack<T, width>& x,
                                      const Pack<T, width>& dn) {
    for (int k = 0; k < width; ++k) {
      const T xh = norm.normed(x.at[k]);
      columns[0][k] += dn.at[k] * xh;
      columns[1][k] += dn.at[k];
      const T negative = x.at[k] > 0 ? T(0) : x.at[k];
      scalars[NormSums::negative_gx] += norm.gain[k] * dn.at[k] * negative;
      scalars[NormSums::negative_x] += negative;
      scalars[NormSums::negative_xh] += xh * negative;
    }
  }
};

// The partial sums of a backward pass: columns (items * chunks, kinds, C), scalars (items, chunks * tiles, 5).
struct NormPartials {
  Tensor columns, scalars;

  template <int width, class S>
  static NormPartials of(const Norm<S>& norm, int64_t kinds, int64_t chunks, Stream stream) {
    const int64_t parts = tile_blocks<width>(1, chunks, norm.channels);
    return {Tensor::empty({norm.items * chunks, kinds, norm.channels}, dtype_of<compute_type<S>>, stream),
            Tensor::empty({norm.items, parts, NormSums::count}, DType::float64, stream)};
  }
};

// Sums a tile's columns over the block's warps, in order; row: (kinds, C) of this item and chunk. `shared`: kinds *
// block_size * width values, free again after the call.
template <class T, class Out, int kinds, int width>
__device__ void write_columns(const T (&columns)[kinds][width], const Tile& tile, int64_t channels, T* shared,
                              Out* row) {
  constexpr int across = 32 * width;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int kind = 0; kind < kinds; ++kind)
    for (int k = 0; k < width; ++k) shared[(kind * tile_warps + warp) * across + lane * width + k] = columns[kind][k];
  __syncthreads();
  for (int i = threadIdx.x; i < kinds * across; i += block_size) {
    const int kind = i / across, c = i % across;
    T sum = 0;
    for (int w = 0; w < tile_warps; ++w) sum += shared[(kind * tile_warps + w) * across + c];
    if (tile.first_column + c < channels) row[kind * channels + tile.first_column + c] = static_cast<Out>(sum);
  }
  __syncthreads();
}

// The same for the item's scalars, g and gx from the columns; to: (5). `shared`: 5 * tile_warps values.
template <class T, int kinds, int width>
__device__ void write_scalars(NormAccumulator<T, kinds, width>& sums, const NormAffine<T, width>& norm, T* shared,
                              double* to) {
  for (int k = 0; k < width; ++k) {
    sums.scalars[NormSums::g] += norm.gain[k] * sums.columns[1][k];
    sums.scalars[NormSums::gx] += norm.gain[k] * sums.columns[0][k];
  }
  for (int i = 0; i < NormSums::count; ++i) {
    const T sum = warp_sum(sums.scalars[i]);
    if (threadIdx.x % 32 == 0) shared[i * tile_warps + threadIdx.x / 32] = sum;
  }
  __syncthreads();
  if (threadIdx.x < NormSums::count) {
    double sum = 0;
    for (int w = 0; w < tile_warps; ++w) sum += static_cast<double>(shared[threadIdx.x * tile_warps + w]);
    to[threadIdx.x] = sum;
  }
}

// Column sums over all rows of a tensor: every block writes those of its tile, and the last block of a column of tiles
// adds them up.
template <class T>
struct ColumnSums {
  T *total = nullptr, *of_tiles = nullptr;  // (C), null: not wanted; (rows of tiles, C)
  unsigned* counters = nullptr;             // one a column of tiles

  // With memory for `rows` rows of tiles; keep `tiles` until the kernel is queued.
  static ColumnSums of(T* total, int64_t rows, int64_t channels, Tensor& tiles, Stream stream) {
    SUNDER_ASSERT(ceil_div(channels, 32) <= counter_count);
    tiles = Tensor::empty({rows, channels}, dtype_of<T>, stream);
    return {total, tiles.mutable_data<T>(), cuda::counters(stream)};
  }
};

// `columns`: this thread's, of row `row` of the tiles. `shared`: block_size * width values.
template <class T, int width>
__device__ void add_tiles(const T (&columns)[1][width], const Tile& tile, int64_t row, int64_t rows, int64_t channels,
                          const ColumnSums<T>& sums, double* shared) {
  write_columns(columns, tile, channels, reinterpret_cast<T*>(shared), sums.of_tiles + row * channels);
  if (!is_last_block(sums.counters + tile.first_column / (32 * width), rows)) return;
  double total[1][width] = {};
#pragma unroll 4
  for (int64_t from = threadIdx.x / 32; from < rows; from += tile_warps)
    for (int k = 0; k < width && tile.column + k < channels; ++k)
      total[0][k] += static_cast<double>(read_again(sums.of_tiles + from * channels + tile.column + k));
  write_columns(total, tile, channels, shared, sums.total);
}

// Where the columns' totals go; null where a kind is missing. Kinds follow in this order, taps last.
template <class T>
struct ColumnTotals {
  T *gain = nullptr, *bias = nullptr;       // both or none
  T *conv_bias = nullptr, *taps = nullptr;  // taps: (C, 1, K)
  int64_t kernel = 0;
};

// Fills columns 0 and 1 of `kinds` and the scalars from dn, for callers without a kernel of their own that does.
template <class S>
NormPartials norm_backward_sums(const Norm<S>& norm, const S* dn, int64_t kinds, Stream stream);
// Sums the columns into `totals` and, in the same launch, the scalars into grad_slope (may be null), and turns dn into
// dx (may be null; may be dn itself), whose column sums are the gradient of the norm's offset (may be null).
template <class S>
void norm_backward_finish(const Norm<S>& norm, const NormPartials& partials,
                          const ColumnTotals<compute_type<S>>& totals, const S* dn, compute_type<S>* grad_slope, S* dx,
                          compute_type<S>* grad_offset = nullptr);

}  // namespace sunder::cuda
