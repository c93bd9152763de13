#include "tensor/ops/room_responses.h"

#include "tensor/cuda/kernel.cuh"

// Three launches: the moments of every delay, gathered by a warp that searches for its images; the windowed sincs of
// the moments; the high-pass. Floor: the responses written once. As written, the moments (16 per sample) are also
// written and read; the time is in the float64 arithmetic.
namespace sunder::cuda {
namespace {

// Lengths in samples.
struct RoomGrid {
  const void *rooms, *sources, *microphones, *t60;
  int64_t sources_each, microphones_each, length;
  double samples_per_metre, sound_velocity;
};

template <class T>
struct Box {
  double size[3], source[3], microphone[3], log_reflection;

  __device__ Box(const RoomGrid& grid, int64_t response) {
    const int64_t room = response / (grid.sources_each * grid.microphones_each);
    const T* sizes = static_cast<const T*>(grid.rooms) + 3 * room;
    const T* from = static_cast<const T*>(grid.sources) + 3 * (response / grid.microphones_each);
    const T* to =
        static_cast<const T*>(grid.microphones) + 3 * (room * grid.microphones_each + response % grid.microphones_each);
    for (int a = 0; a < 3; ++a) {
      size[a] = sizes[a] * grid.samples_per_metre;
      source[a] = from[a] * grid.samples_per_metre;
      microphone[a] = to[a] * grid.samples_per_metre;
    }
    log_reflection = 0.5 * log(1 - room_absorption(sizes[0], sizes[1], sizes[2], static_cast<const T*>(grid.t60)[room],
                                                   grid.sound_velocity));
  }
  // Of q = 0 or 1 in the period around the microphone.
  __device__ double first_image(int axis, int q) const { return (q ? -source[axis] : source[axis]) - microphone[axis]; }
  // How many periods to either side can hold images within `reach`.
  __device__ int periods(int axis, double reach) const { return static_cast<int>(ceil(reach / (2 * size[axis]))); }
};

__device__ __forceinline__ int reflections(int q, int m) { return abs(m - q) + abs(m); }

// Adds the images at column (x, y) and height z(q, m) whose delay has the whole part j. Which of two neighbouring
// delays an image belongs to is decided by the rounded distance alone, the same bits for both.
template <class T>
__device__ __forceinline__ void add_column(const Box<T>& box, double square, int reflected, int64_t j, double scale,
                                           double (&moments)[room_moments]) {
  const double end = static_cast<double>(j + 1), slack = 1e-12 * end * end;
  const double outer = end * end - square + slack, inner = static_cast<double>(j * j) - square - slack;
  if (outer < 0) return;
  const double high = sqrt(outer), low = inner > 0 ? sqrt(inner) : 0, period = 2 * box.size[2];
  for (int q_side = 0; q_side < 4; ++q_side) {
    const int q = q_side / 2;
    const bool above = q_side % 2;
    const double base = box.first_image(2, q), least = above ? low : -high, most = above ? high : -low;
    const int last = static_cast<int>(floor((most - base) / period + 1e-9));
    for (int m = static_cast<int>(ceil((least - base) / period - 1e-9)); m <= last; ++m) {
      const double z = fma(static_cast<double>(m), period, base), distance = sqrt(fma(z, z, square));
      const double whole = floor(distance);
      if ((z >= 0) != above || whole != static_cast<double>(j)) continue;
      const int count = reflected + reflections(q, m);
      double term = scale * (count == 0 ? 1 : exp(count * box.log_reflection)) / distance;
      const double x = 2 * (distance - whole) - 1;
#pragma unroll
      for (int k = 0; k < room_moments; ++k) {
        moments[k] += term;
        term *= x;
      }
    }
  }
}

// One warp per delay, its lanes over the columns (x, y) of images within reach; a block has neighbouring delays.
// moments: (responses, room_moments, length).
template <class T>
__global__ void __launch_bounds__(block_size) room_moments_kernel(RoomGrid grid, int64_t blocks, double* moments) {
  const int64_t response = blockIdx.x / blocks;
  const int64_t j = (blockIdx.x - response * blocks) * (block_size / 32) + threadIdx.x / 32;
  if (j >= grid.length) return;
  const Box<T> box(grid, response);
  const double reach = static_cast<double>(j + 1), scale = grid.samples_per_metre / 12.566370614359172;  // 4 pi
  const int max_x = box.periods(0, reach), max_y = box.periods(1, reach), columns_y = 2 * (2 * max_y + 1);
  double sums[room_moments] = {};
  for (int column = threadIdx.x % 32; column < 2 * (2 * max_x + 1) * columns_y; column += 32) {
    const int ix = column / columns_y, iy = column - ix * columns_y;
    const int mx = ix / 2 - max_x, my = iy / 2 - max_y;
    const double x = fma(static_cast<double>(mx), 2 * box.size[0], box.first_image(0, ix % 2));
    const double y = fma(static_cast<double>(my), 2 * box.size[1], box.first_image(1, iy % 2));
    add_column(box, fma(x, x, y * y), reflections(ix % 2, mx) + reflections(iy % 2, my), j, scale, sums);
  }
#pragma unroll
  for (int k = 0; k < room_moments; ++k) {
    const double sum = warp_sum(sums[k]);
    if (threadIdx.x % 32 == 0) moments[(response * room_moments + k) * grid.length + j] = sum;
  }
}

// samples[t] = sum over n and k of taps[k][n] moments[k][t + taps / 2 - 1 - n]; one thread per sample.
__global__ void room_taps_kernel(const double* moments, const double* taps, int64_t count, int64_t length, int width,
                                 double* samples) {
  SUNDER_GRID_STRIDE(i, count) {
    const int64_t response = i / length, t = i - response * length;
    const double* rows = moments + response * room_moments * length;
    double sum = 0;
    for (int n = 0; n < width; ++n) {
      const int64_t j = t + width / 2 - 1 - n;
      if (j < 0 || j >= length) continue;
#pragma unroll
      for (int k = 0; k < room_moments; ++k) sum += taps[k * width + n] * rows[k * length + j];
    }
    samples[i] = sum;
  }
}

struct HighPass {
  double feed1, feed2, mix1, mix2;

  __device__ __forceinline__ double step(double x, double& y1, double& y2) const {
    const double y = x + feed1 * y1 + feed2 * y2, out = y + mix1 * y1 + mix2 * y2;
    y2 = y1, y1 = y;
    return out;
  }
};

// One block per response, one thread per piece of it: every thread filters its piece from silence, one thread adds up
// the states that the pieces leave, and all filter again from those. The recursion is linear, so a state decays in the
// same way whatever is added.
template <class T>
__global__ void room_high_pass_kernel(const double* samples, HighPass filter, int64_t length, T* responses) {
  SUNDER_SHARED(double[block_size][2], states);
  const double* x = samples + blockIdx.x * length;
  const int64_t piece = ceil_div(length, block_size), begin = threadIdx.x * piece;
  const int64_t end = begin + piece < length ? begin + piece : length;
  double y1 = 0, y2 = 0;
  for (int64_t t = begin; t < end; ++t) filter.step(x[t], y1, y2);
  states[threadIdx.x][0] = y1, states[threadIdx.x][1] = y2;
  __syncthreads();
  if (threadIdx.x == 0) {
    double a1 = 1, a2 = 0, b1 = 0, b2 = 1;  // what a whole piece of zeros makes of the states (1, 0) and (0, 1)
    for (int64_t t = 0; t < piece; ++t) filter.step(0, a1, a2), filter.step(0, b1, b2);
    double s1 = 0, s2 = 0;
    for (int i = 0; i < block_size; ++i) {
      const double n1 = states[i][0] + a1 * s1 + b1 * s2, n2 = states[i][1] + a2 * s1 + b2 * s2;
      states[i][0] = s1, states[i][1] = s2;
      s1 = n1, s2 = n2;
    }
  }
  __syncthreads();
  y1 = states[threadIdx.x][0], y2 = states[threadIdx.x][1];
  for (int64_t t = begin; t < end; ++t) responses[blockIdx.x * length + t] = static_cast<T>(filter.step(x[t], y1, y2));
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::room_responses(const Tensor& rooms, const Tensor& sources, const Tensor& microphones, const Tensor& t60,
                          const RoomOptions& options, const RoomFilters& filters, Tensor& responses) {
  if (responses.numel() == 0) return;
  const int64_t length = options.length, count = responses.numel() / length, blocks = ceil_div(length, block_size / 32);
  const RoomGrid grid{rooms.raw(),
                      sources.raw(),
                      microphones.raw(),
                      t60.raw(),
                      sources.size(1),
                      microphones.size(1),
                      length,
                      options.sample_rate / options.sound_velocity,
                      options.sound_velocity};
  const HighPass filter{filters.feed1, filters.feed2, filters.mix1, filters.mix2};
  const Tensor moments = Tensor::empty({count, room_moments, length}, DType::float64, responses.stream());
  const Tensor samples = Tensor::empty({count, length}, DType::float64, responses.stream());
  visit_real("room_responses", rooms.dtype(), [&]<class T>() {
    launch(room_moments_kernel<T>, dim3(blocks_for(count * blocks, 1)), dim3(block_size), 0, responses.stream(), grid,
           blocks, moments.mutable_data<double>());
    launch(room_taps_kernel, grid_for(samples.numel()), dim3(block_size), 0, responses.stream(), moments.data<double>(),
           filters.taps.data<double>(), samples.numel(), length, static_cast<int>(filters.taps.size(1)),
           samples.mutable_data<double>());
    launch(room_high_pass_kernel<T>, dim3(blocks_for(count, 1)), dim3(block_size), 0, responses.stream(),
           samples.data<double>(), filter, length, responses.mutable_data<T>());
  });
}

}  // namespace sunder
