#include "tensor/cuda/last_block.cuh"
#include "tensor/ops/sum.cuh"
#include "tensor/ops/sum.h"

// Every sum reads x once and writes little: the floor is x's bytes. Short sums take one thread each; sums along memory
// a warp or a block each; sums across memory are columns of a tile. Sums too few to fill the device are split into
// pieces; the last block adds up the pieces' sums, in float64 and in order.
namespace sunder::cuda {
namespace {

constexpr int64_t max_thread_terms = 32;  // terms that one thread adds
constexpr int64_t max_inner = 32;         // sums side by side in a row that is walked along memory
constexpr int64_t enough_blocks = multiprocessors * 8;
constexpr int column_groups = block_size / 32;

// Where the sums of pieces wait for the last block; null for sums of one piece.
struct Waiting {
  double* sums = nullptr;
  unsigned* counters = nullptr;  // one for all pieces of a sum
};

// How `count` terms are cut. Pieces begin at multiples of `step` terms, so that packs stay aligned.
struct Pieces {
  int64_t count, terms;
};
Pieces pieces_for(int64_t count, int64_t tasks, int64_t min_terms, int64_t step) {
  const int64_t wanted = ceil_div(enough_blocks, tasks < 1 ? 1 : tasks), most = ceil_div(count, min_terms);
  const int64_t terms = ceil_div(ceil_div(count, wanted < most ? wanted : most), step) * step;
  return {ceil_div(count, terms), terms};
}

template <int width, class In, class Out>
__global__ void sum_few_kernel(const In* x, int64_t count, int64_t inner, int64_t outputs, Out* sums) {
  SUNDER_GRID_STRIDE_PACKS(i, outputs, width) {
    const int64_t row = i / inner;
    const In* from = x + row * count * inner + (i - row * inner);
    double total[width] = {};
    for (int64_t term = 0; term < count; ++term, from += inner) {
      const auto pack = load<width>(from);
      for (int k = 0; k < width; ++k) total[k] += static_cast<double>(pack.at[k]);
    }
    for (int k = 0; k < width; ++k) sums[i + k] = static_cast<Out>(total[k]);
  }
}

// inner: a power of two up to max_inner. A thread's packs have the same columns in every step, as a step is a multiple
// of inner; halving the partial sums of a step down to inner keeps the columns apart.
template <int row_threads, int width, class In, class Out>
__global__ void sum_rows_kernel(const In* x, int64_t outer, int64_t count, int64_t inner, Pieces pieces,
                                Waiting waiting, Out* sums) {
  SUNDER_SHARED(double[block_size * width], shared);
  constexpr int step = row_threads * width;
  const int thread = threadIdx.x % row_threads;
  double* partial = shared + threadIdx.x / row_threads * step;
  SUNDER_ROW_STRIDE(task, outer * pieces.count, row_threads) {
    const int64_t row = task / pieces.count, first = (task - row * pieces.count) * pieces.terms;
    const int64_t length = (first + pieces.terms < count ? pieces.terms : count - first) * inner;
    const In* from = x + (row * count + first) * inner;
    double total[width] = {};
#pragma unroll 4
    for (int64_t i = thread * width; i < length; i += step) {
      const auto pack = load<width>(from + i);
      for (int k = 0; k < width; ++k) total[k] += static_cast<double>(pack.at[k]);
    }
    for (int k = 0; k < width; ++k) partial[thread * width + k] = total[k];
    row_sync<row_threads>();
    for (int half = step / 2; half >= inner; half /= 2) {
      for (int k = thread; k < half; k += row_threads) partial[k] += partial[k + half];
      row_sync<row_threads>();
    }
    if (!waiting.sums) {
      for (int64_t k = thread; k < inner; k += row_threads) sums[task * inner + k] = static_cast<Out>(partial[k]);
      row_sync<row_threads>();
      continue;
    }
    for (int64_t k = thread; k < inner; k += row_threads) waiting.sums[task * inner + k] = partial[k];
    if constexpr (row_threads == block_size) {  // a sum in pieces is never a warp's (sum_rows)
      if (!is_last_block(waiting.counters + row, pieces.count)) continue;
      const double* all = waiting.sums + row * pieces.count * inner;
      for (int64_t k = thread; k < inner; k += row_threads) {
        double sum = 0;
        for (int64_t piece = 0; piece < pieces.count; ++piece) sum += read_again(all + piece * inner + k);
        sums[row * inner + k] = static_cast<Out>(sum);
      }
    }
  }
}

// A tile: 32 packs of columns, one per lane, so that a warp reads 512 contiguous bytes; each warp adds every eighth
// term.
template <int width, class In, class Out>
__global__ void sum_columns_kernel(const In* x, int64_t outer, int64_t count, int64_t inner, Pieces pieces,
                                   Waiting waiting, Out* sums) {
  constexpr int columns = 32 * width;
  SUNDER_SHARED(double[column_groups * columns], partial);
  const int64_t tiles = ceil_div(inner, columns);
  const int lane = threadIdx.x % 32, group = threadIdx.x / 32;
  for (int64_t task = blockIdx.x; task < outer * pieces.count * tiles; task += gridDim.x) {
    const int64_t piece = task / tiles, row = piece / pieces.count;  // pieces of all rows are numbered through
    const int64_t column = (task - piece * tiles) * columns, first = (piece - row * pieces.count) * pieces.terms;
    const int64_t last = first + pieces.terms < count ? first + pieces.terms : count;
    double total[width] = {};
    if (column + lane * width < inner) {
      const In* from = x + row * count * inner + column + lane * width;
#pragma unroll 4
      for (int64_t term = first + group; term < last; term += column_groups) {
        const auto pack = load<width>(from + term * inner);
        for (int k = 0; k < width; ++k) total[k] += static_cast<double>(pack.at[k]);
      }
    }
    const auto add_groups = [&](auto* to) {  // of this tile's columns
      for (int k = 0; k < width; ++k) partial[group * columns + lane * width + k] = total[k];
      __syncthreads();
      for (int c = threadIdx.x; c < columns && column + c < inner; c += block_size) {
        double sum = 0;
        for (int g = 0; g < column_groups; ++g) sum += partial[g * columns + c];
        to[column + c] = static_cast<std::remove_reference_t<decltype(*to)>>(sum);
      }
      __syncthreads();
    };
    if (!waiting.sums) {
      add_groups(sums + row * inner);
      continue;
    }
    add_groups(waiting.sums + piece * inner);
    if (!is_last_block(waiting.counters + row * tiles + column / columns, pieces.count)) continue;
    for (int k = 0; k < width; ++k) total[k] = 0;
    const double* all = waiting.sums + row * pieces.count * inner + column + lane * width;
#pragma unroll 4
    for (int64_t other = group; other < pieces.count; other += column_groups)
      for (int k = 0; k < width && column + lane * width + k < inner; ++k)
        total[k] += read_again(all + other * inner + k);
    add_groups(sums + row * inner);
  }
}

template <class In, class Out>
void sum_rows(const In* x, int64_t outer, int64_t count, int64_t inner, Pieces pieces, Waiting waiting, Out* sums,
              Stream stream) {
  const int64_t tasks = outer * pieces.count;
  with_pack_width<In>(count * inner, {x}, [&]<int width>() {
    if (pieces.count == 1 && count * inner <= 1024)
      launch(sum_rows_kernel<32, width, In, Out>, grid_for(tasks * 32), dim3(block_size), 0, stream, x, outer, count,
             inner, pieces, waiting, sums);
    else
      launch(sum_rows_kernel<block_size, width, In, Out>, grid_for(tasks * block_size), dim3(block_size), 0, stream, x,
             outer, count, inner, pieces, waiting, sums);
  });
}

template <class In, class Out>
void sum_columns(const In* x, int64_t outer, int64_t count, int64_t inner, Pieces pieces, Waiting waiting, Out* sums,
                 Stream stream) {
  with_pack_width<In>(inner, {x}, [&]<int width>() {
    const int64_t tasks = outer * pieces.count * ceil_div(inner, 32 * width);
    launch(sum_columns_kernel<width, In, Out>, grid_for(tasks * block_size), dim3(block_size), 0, stream, x, outer,
           count, inner, pieces, waiting, sums);
  });
}

}  // namespace

template <class In, class Out>
void sum_over(const In* x, int64_t outer, int64_t count, int64_t inner, Out* sums, Stream stream) {
  if (outer * inner == 0) return;
  if (count < max_thread_terms) {
    with_pack_width<In>(inner, {x}, [&]<int width>() {
      launch(sum_few_kernel<width, In, Out>, grid_for(ceil_div(outer * inner, width)), dim3(block_size), 0, stream, x,
             count, inner, outer * inner, sums);
    });
    return;
  }
  const bool along = inner <= max_inner && max_inner % inner == 0;
  constexpr int64_t step = sizeof(In) < 4 ? 8 : 4;
  const Pieces pieces = along ? pieces_for(count, outer, ceil_div(8192, inner), step)
                              : pieces_for(count, outer * ceil_div(inner, 128), 64, step);
  Tensor pieces_sums;
  Waiting waiting;
  if (pieces.count > 1) {
    SUNDER_ASSERT(outer * ceil_div(inner, 32) <= counter_count);  // pieces_for cuts few sums
    pieces_sums = Tensor::empty({outer, pieces.count, inner}, DType::float64, stream);
    waiting = {pieces_sums.mutable_data<double>(), counters(stream)};
  }
  if (along) sum_rows(x, outer, count, inner, pieces, waiting, sums, stream);
  else sum_columns(x, outer, count, inner, pieces, waiting, sums, stream);
}

template void sum_over(const float*, int64_t, int64_t, int64_t, float*, Stream);
template void sum_over(const float*, int64_t, int64_t, int64_t, double*, Stream);
template void sum_over(const bfloat16*, int64_t, int64_t, int64_t, float*, Stream);
template void sum_over(const double*, int64_t, int64_t, int64_t, float*, Stream);
template void sum_over(const double*, int64_t, int64_t, int64_t, double*, Stream);

}  // namespace sunder::cuda

namespace sunder {

void cuda::sum_middle(const Tensor& x, int64_t outer, int64_t count, int64_t inner, Tensor& result) {
  if (is_complex(x.dtype())) inner *= 2;  // two reals side by side
  visit_real("sum", real_of(x.dtype()), [&]<class T>() {
    sum_over(reinterpret_cast<const T*>(x.raw()), outer, count, inner, reinterpret_cast<T*>(result.raw()), x.stream());
  });
}

}  // namespace sunder
