#include "tests/emulator/sample.h"

#include "tensor/cuda/launch.h"

namespace sunder {
namespace {

constexpr int block_threads = 256, tile = 32;

__global__ void add_kernel(const float* __restrict__ x, const float* __restrict__ y, float* __restrict__ z,
                           int64_t count) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < count) z[i] = x[i] + y[i];
}

template <class T>
__device__ T warp_sum(T value) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
  return value;
}

// The sum over the block, the same in every thread.
template <class T>
__device__ T block_sum(T value) {
  SUNDER_SHARED(T[32], sums);
  SUNDER_SHARED(T, total);
  value = warp_sum(value);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x < 32) {
    value = warp_sum(threadIdx.x < blockDim.x / 32 ? sums[threadIdx.x] : T(0));
    if (threadIdx.x == 0) total = value;
  }
  __syncthreads();
  const T result = total;
  __syncthreads();  // the next sum writes the same memory
  return result;
}

__global__ void __launch_bounds__(block_threads)
    normalize_rows_kernel(const float* x, float* y, int columns, float epsilon) {
  x += int64_t{blockIdx.x} * columns;
  y += int64_t{blockIdx.x} * columns;
  float sum = 0;
  for (int c = threadIdx.x; c < columns; c += blockDim.x) sum += x[c];
  const float mean = block_sum(sum) / columns;
  float squares = 0;
  for (int c = threadIdx.x; c < columns; c += blockDim.x) squares += (x[c] - mean) * (x[c] - mean);
  const float scale = rsqrtf(block_sum(squares) / columns + epsilon);
  for (int c = threadIdx.x; c < columns; c += blockDim.x) y[c] = (x[c] - mean) * scale;
}

template <class T>
__global__ void transpose_kernel(const T* x, T* y, int rows, int columns) {
  SUNDER_SHARED(T[tile][tile + 1], values);
  const int row = blockIdx.y * tile + threadIdx.y, column = blockIdx.x * tile + threadIdx.x;
  if (row < rows && column < columns) values[threadIdx.y][threadIdx.x] = x[int64_t{row} * columns + column];
  __syncthreads();
  const int to_row = blockIdx.x * tile + threadIdx.y, to_column = blockIdx.y * tile + threadIdx.x;
  if (to_row < columns && to_column < rows) y[int64_t{to_row} * rows + to_column] = values[threadIdx.x][threadIdx.y];
}

__global__ void reverse_pieces_kernel(const float* x, float* y, int piece) {
  SUNDER_DYNAMIC_SHARED(float, values);
  const int64_t first = int64_t{blockIdx.x} * piece;
  for (int i = threadIdx.x; i < piece; i += blockDim.x) values[i] = x[first + i];
  __syncthreads();
  for (int i = threadIdx.x; i < piece; i += blockDim.x) y[first + i] = values[piece - 1 - i];
}

}  // namespace

void sample::add(const float* x, const float* y, float* z, int64_t count, Stream stream) {
  cuda::launch(add_kernel, cuda::blocks_for(count, block_threads), block_threads, 0, stream, x, y, z, count);
}

void sample::normalize_rows(const float* x, float* y, int64_t rows, int columns, float epsilon, Stream stream) {
  cuda::launch(normalize_rows_kernel, cuda::blocks_for(rows, 1), block_threads, 0, stream, x, y, columns, epsilon);
}

void sample::transpose(const double* x, double* y, int rows, int columns, Stream stream) {
  const dim3 grid(cuda::blocks_for(columns, tile), cuda::blocks_for(rows, tile));
  cuda::launch(transpose_kernel<double>, grid, dim3(tile, tile), 0, stream, x, y, rows, columns);
}

void sample::reverse_pieces(const float* x, float* y, int pieces, int piece, Stream stream) {
  cuda::launch(reverse_pieces_kernel, static_cast<unsigned>(pieces), 128, piece * sizeof(float), stream, x, y, piece);
}

}  // namespace sunder
