#include "tensor/ops/fcp.h"

#include "tensor/cuda/kernel.cuh"
#include "tensor/cuda/solver.h"

// Forward: Gram matrices and right-hand sides, factorisation and solves by cuSOLVER, images. Backward: the cotangents'
// right-hand sides, solves, and one kernel for the gradient. Neighbouring threads have neighbouring frequencies, and
// every thread loops over time: no sum is split, so the order of sums depends on the sizes alone. All sums are float64.
// Floor: estimates, mixtures and weights once, images once; backward the cotangents and all inputs once, the gradient
// once. Matrices, filters and factors are small in comparison.
namespace sunder::cuda {
namespace {

struct Sizes {
  int64_t items, microphones, sources, frames, bins, groups, taps, past;

  __host__ __device__ int64_t shared() const { return microphones / groups; }
  __host__ __device__ int64_t images() const { return items * microphones * sources; }
  __host__ __device__ int64_t systems() const { return items * sources * groups * bins; }
};

// An image is number (b M + m) S + s; its estimate, mixture and weight.
struct Image {
  int64_t estimate, mixture, weight, system;  // system: of bin 0

  __device__ Image(int64_t image, const Sizes& s) {
    const int64_t source = image % s.sources, item = image / s.sources / s.microphones;
    mixture = image / s.sources;
    estimate = item * s.sources + source;
    const int64_t group = (mixture - item * s.microphones) / s.shared();
    weight = item * s.groups + group;
    system = (estimate * s.groups + group) * s.bins;
  }
};

// Complex numbers are pairs; everything is computed in float64.
template <class T>
__device__ __forceinline__ double2 load_complex(const T* x, int64_t i) {
  const auto pair = load<2>(x + 2 * i);
  return {static_cast<double>(pair.at[0]), static_cast<double>(pair.at[1])};
}
template <class T>
__device__ __forceinline__ void store_complex(T* y, int64_t i, double2 value) {
  store<2>(y + 2 * i, Pack<T, 2>{static_cast<T>(value.x), static_cast<T>(value.y)});
}
__device__ __forceinline__ void add_product(double2& sum, double2 a, double2 b) {
  sum.x += a.x * b.x - a.y * b.y;
  sum.y += a.x * b.y + a.y * b.x;
}
__device__ __forceinline__ void add_conjugate_product(double2& sum, double2 a, double2 b) {  // conj(a) b
  sum.x += a.x * b.x + a.y * b.y;
  sum.y += a.x * b.y - a.y * b.x;
}

// 1 / lambda, 0 where lambda is not above 0; NaN stays NaN.
template <class T>
__device__ __forceinline__ double inverse(T lambda) {
  return lambda <= T(0) ? 0.0 : 1 / static_cast<double>(lambda);
}

constexpr int lanes = 32, rows = 8;  // of a block: frequencies, and rows of threads with work of their own
constexpr int unit = 8;              // results per thread, which share its loads: 16 doubles

// A(i, j) = sum_t z(t + i) conj(z(t + j)) / lambda(t), i >= j: the product depends on u = t + j and the lag i - j
// alone, so a thread has one lag and eight columns, computes each product once and multiplies it by the last eight
// weights, which it keeps in registers. matrices: (systems, K, K), column major, lower triangles; `units` per matrix.
template <class T>
__global__ void fcp_gram_kernel(const T* estimates, const T* weights, Sizes s, int64_t tiles, int64_t chunks,
                                int64_t units, double2* matrices) {
  const int64_t f = blockIdx.x % tiles * lanes + threadIdx.x;
  int64_t index = blockIdx.x / tiles % chunks * rows + threadIdx.y;
  const int64_t pair = blockIdx.x / tiles / chunks, estimate = pair / s.groups;  // pair: estimate and weight
  if (f >= s.bins || index >= units) return;
  int64_t lag = 0;
  for (int64_t here; index >= (here = ceil_div(s.taps - lag, unit)); ++lag) index -= here;
  const int64_t first = index * unit;  // column
  const T* z = estimates + 2 * (estimate * s.frames * s.bins + f);
  const T* lambda = weights + ((estimate / s.sources * s.groups + pair % s.groups) * s.frames) * s.bins + f;
  double2 sums[unit] = {};
  double w[unit] = {};  // of frames t, t - 1, ...
  const auto weight_at = [&](int64_t t) { return t >= 0 && t < s.frames ? inverse(lambda[t * s.bins]) : 0.0; };
#pragma unroll
  for (int k = 1; k < unit; ++k) w[k - 1] = weight_at(s.past - first - k);
  for (int64_t u = 0; u + lag < s.frames; ++u) {
#pragma unroll
    for (int k = unit - 1; k > 0; --k) w[k] = w[k - 1];
    w[0] = weight_at(u + s.past - first);
    double2 product = {};
    add_conjugate_product(product, load_complex(z, u * s.bins), load_complex(z, (u + lag) * s.bins));
#pragma unroll
    for (int k = 0; k < unit; ++k) {
      sums[k].x += product.x * w[k];
      sums[k].y += product.y * w[k];
    }
  }
  double2* matrix = matrices + (pair * s.bins + f) * s.taps * s.taps;
#pragma unroll
  for (int k = 0; k < unit; ++k) {
    const int64_t column = first + k;
    if (column + lag < s.taps) matrix[column * s.taps + column + lag] = sums[k];
  }
}

// The factor of the estimate in a right-hand side.
template <class T>
struct WeightedMixture {  // conj(Y) / lambda
  const T *mixtures, *weights;

  __device__ double2 operator()(const Image& image, int64_t, int64_t i, int64_t step) const {
    const double2 y = load_complex(mixtures, image.mixture * step + i);
    const double w = inverse(weights[image.weight * step + i]);
    return {y.x * w, -y.y * w};
  }
};
template <class T>
struct Cotangent {  // conj(xbar)
  const T* grad_images;

  __device__ double2 operator()(const Image&, int64_t number, int64_t i, int64_t step) const {
    const double2 grad = load_complex(grad_images, number * step + i);
    return {grad.x, -grad.y};
  }
};

// b(i) = sum_t z(t + i) v(t), eight taps per thread. vectors: (images, F, K).
template <class T, class V>
__global__ void fcp_correlate_kernel(const T* estimates, V v, Sizes s, int64_t tiles, int64_t chunks,
                                     double2* vectors) {
  const int64_t f = blockIdx.x % tiles * lanes + threadIdx.x;
  const int64_t first = (blockIdx.x / tiles % chunks * rows + threadIdx.y) * unit, number = blockIdx.x / tiles / chunks;
  if (f >= s.bins || first >= s.taps) return;
  const Image image(number, s);
  const int64_t step = s.frames * s.bins;
  const T* z = estimates + 2 * (image.estimate * step + f);
  double2 sums[unit] = {}, window[unit] = {};
  const auto value_at = [&](int64_t t) {
    return t >= 0 && t < s.frames ? v(image, number, t * s.bins + f, step) : double2{0, 0};
  };
#pragma unroll
  for (int k = 1; k < unit; ++k) window[k - 1] = value_at(s.past - first - k);
  for (int64_t u = 0; u < s.frames; ++u) {
#pragma unroll
    for (int k = unit - 1; k > 0; --k) window[k] = window[k - 1];
    window[0] = value_at(u + s.past - first);
    const double2 x = load_complex(z, u * s.bins);
#pragma unroll
    for (int k = 0; k < unit; ++k) add_product(sums[k], x, window[k]);
  }
#pragma unroll
  for (int k = 0; k < unit; ++k)
    if (first + k < s.taps) vectors[(number * s.bins + f) * s.taps + first + k] = sums[k];
}

// Tables of pointers for cuSOLVER: the matrices of all systems, then the factors and vectors of all right-hand sides.
// The first kernel also adds the loading to the diagonals.
__global__ void fcp_load_kernel(Sizes s, double loading, double2* matrices, double2** table) {
  SUNDER_GRID_STRIDE(system, s.systems()) {
    double2* matrix = matrices + system * s.taps * s.taps;
    table[system] = matrix;
    double trace = 0;
    for (int64_t i = 0; i < s.taps; ++i) trace += matrix[i * (s.taps + 1)].x;
    for (int64_t i = 0; i < s.taps; ++i) matrix[i * (s.taps + 1)].x += loading * trace / static_cast<double>(s.taps);
  }
}
__global__ void fcp_point_kernel(Sizes s, double2* factors, double2* vectors, double2** table) {
  const int64_t count = s.images() * s.bins;
  SUNDER_GRID_STRIDE(i, count) {
    const Image image(i / s.bins, s);
    table[i] = factors + (image.system + i % s.bins) * s.taps * s.taps;
    table[count + i] = vectors + i * s.taps;
  }
}

// Marks an unusable factor by a zero in its first element. The diagonal entry of A is the sum of a row of |L|^2.
__global__ void fcp_check_kernel(Sizes s, const int* info, double2* factors, int64_t* failures) {
  SUNDER_GRID_STRIDE(system, s.systems()) {
    double2* factor = factors + system * s.taps * s.taps;
    bool good = info[system] == 0;
    for (int64_t i = 0; good && i < s.taps; ++i) {
      double entry = 0;
      for (int64_t j = 0; j <= i; ++j) {
        const double2 l = factor[j * s.taps + i];
        entry += l.x * l.x + l.y * l.y;
      }
      const double l = factor[i * (s.taps + 1)].x;
      good = l * l > fcp_pivot_floor * static_cast<double>(s.taps) * entry && l * l < HUGE_VAL;
    }
    if (good) continue;
    factor[0] = {0, 0};
    if (failures) atomicAdd(reinterpret_cast<unsigned long long*>(failures), 1ull);
  }
}
__global__ void fcp_clear_kernel(Sizes s, const double2* factors, double2* vectors) {
  const int64_t count = s.images() * s.bins;
  SUNDER_GRID_STRIDE(i, count * s.taps) {
    const int64_t row = i / s.taps;
    const Image image(row / s.bins, s);
    if (factors[(image.system + row % s.bins) * s.taps * s.taps].x == 0) vectors[i] = {0, 0};
  }
}

// Loads the filters of `width` frequencies from `f` on into shared memory, (width, K) as in device memory.
template <int width>
__device__ __forceinline__ void load_taps(const double2* vectors, int64_t number, int64_t f, const Sizes& s,
                                          double2* to) {
  const int64_t count = (s.bins - f < width ? s.bins - f : width) * s.taps;
  const int threads = blockDim.x * blockDim.y;
  for (int64_t i = threadIdx.y * blockDim.x + threadIdx.x; i < count; i += threads)
    to[i] = vectors[(number * s.bins + f) * s.taps + i];
}

constexpr int filter_frames = 64;  // of a block, eight per thread

template <class T>
__global__ void fcp_filter_kernel(const T* estimates, const double2* filters, Sizes s, int64_t tiles, int64_t pieces,
                                  T* images) {
  SUNDER_DYNAMIC_SHARED(double2, taps);
  const int64_t first = blockIdx.x % tiles * lanes, f = first + threadIdx.x;
  const int64_t begin = blockIdx.x / tiles % pieces * filter_frames, number = blockIdx.x / tiles / pieces;
  load_taps<lanes>(filters, number, first, s, taps);
  __syncthreads();
  if (f >= s.bins) return;
  const T* z = estimates + 2 * (Image(number, s).estimate * s.frames * s.bins + f);
  const double2* g = taps + threadIdx.x * s.taps;
  for (int64_t t = begin + threadIdx.y; t < s.frames && t < begin + filter_frames; t += rows) {
    double2 x = {};
    for (int64_t i = 0; i < s.taps; ++i) {
      const int64_t frame = t - s.past + i;
      if (frame >= 0 && frame < s.frames) add_conjugate_product(x, g[i], load_complex(z, frame * s.bins));
    }
    store_complex(images, (number * s.frames + t) * s.bins + f, x);
  }
}

// The gradient's block: 16 frequencies, 64 frames. For one microphone after the other it computes a_t and e_t
// (autograd/ops/fcp.cpp) of the frames that reach its own in shared memory, K - 1 frames more than it has, and
// accumulates.
constexpr int grad_lanes = 16, grad_rows = 16, grad_frames = 64, grad_per_thread = grad_frames / grad_rows;
int64_t grad_shared_bytes(int64_t taps) {
  return 2 * grad_lanes * (taps + grad_frames + taps - 1) * static_cast<int64_t>(sizeof(double2));
}

template <class T>
struct Inputs {
  const T *estimates, *mixtures, *weights, *grad_images;
  const double2 *filters, *solutions;  // solutions: w of A w = gbar
};

template <class T, bool through_solve>
__global__ void __launch_bounds__(grad_lanes* grad_rows)
    fcp_backward_kernel(Inputs<T> in, Sizes s, int64_t tiles, int64_t pieces, T* grad_estimates) {
  SUNDER_DYNAMIC_SHARED(double2, memory);
  const int64_t first = blockIdx.x % tiles * grad_lanes, f = first + threadIdx.x;
  const int64_t begin = blockIdx.x / tiles % pieces * grad_frames, estimate = blockIdx.x / tiles / pieces;
  const int64_t item = estimate / s.sources, step = s.frames * s.bins;
  const int64_t span = grad_frames + s.taps - 1;       // frames t that reach the block's
  const int64_t from = begin + s.past - (s.taps - 1);  // the first of them
  double2 *g = memory, *w = g + grad_lanes * s.taps, *a = w + grad_lanes * s.taps, *e = a + grad_lanes * span;
  const double2 *own_g = g + threadIdx.x * s.taps, *own_w = w + threadIdx.x * s.taps;
  const T* z = in.estimates + 2 * (estimate * step + f);
  double2 sums[grad_per_thread] = {};
  for (int64_t m = 0; m < s.microphones; ++m) {
    const int64_t number = (item * s.microphones + m) * s.sources + estimate - item * s.sources;
    const Image image(number, s);
    load_taps<grad_lanes>(in.filters, number, first, s, g);
    if (through_solve) load_taps<grad_lanes>(in.solutions, number, first, s, w);
    __syncthreads();
    for (int64_t row = threadIdx.y; row < span; row += grad_rows) {
      const int64_t t = from + row;
      double2 grad = {}, residual = {};
      if (f < s.bins && t >= 0 && t < s.frames) {
        const int64_t at = t * s.bins + f;
        grad = load_complex(in.grad_images, number * step + at);
        if (through_solve) {
          double2 x = {}, q = {};
          for (int64_t i = 0; i < s.taps; ++i) {
            const int64_t frame = t - s.past + i;
            if (frame < 0 || frame >= s.frames) continue;
            const double2 value = load_complex(z, frame * s.bins);
            add_conjugate_product(x, own_g[i], value);
            add_conjugate_product(q, own_w[i], value);
          }
          const double2 y = load_complex(in.mixtures, image.mixture * step + at);
          const double weight = inverse(in.weights[image.weight * step + at]);
          grad = {grad.x - q.x * weight, grad.y - q.y * weight};
          residual = {(y.x - x.x) * weight, (y.y - x.y) * weight};
        }
      }
      a[row * grad_lanes + threadIdx.x] = grad;
      if (through_solve) e[row * grad_lanes + threadIdx.x] = residual;
    }
    __syncthreads();
    if (f < s.bins) {
      for (int64_t i = 0; i < s.taps; ++i) {
#pragma unroll
        for (int k = 0; k < grad_per_thread; ++k) {
          const int64_t row = threadIdx.y + k * grad_rows + s.taps - 1 - i;
          add_product(sums[k], own_g[i], a[row * grad_lanes + threadIdx.x]);
          if (through_solve) add_product(sums[k], own_w[i], e[row * grad_lanes + threadIdx.x]);
        }
      }
    }
    __syncthreads();
  }
  if (f >= s.bins) return;
  for (int k = 0; k < grad_per_thread; ++k) {
    const int64_t u = begin + threadIdx.y + k * grad_rows;
    if (u < s.frames) store_complex(grad_estimates, (estimate * s.frames + u) * s.bins + f, sums[k]);
  }
}

Sizes sizes_of(const Tensor& estimates, const Tensor& mixtures, const Tensor& weights, const FcpOptions& options) {
  return {estimates.size(0), mixtures.size(1), estimates.size(1), estimates.size(2),
          estimates.size(3), weights.size(1),  options.taps(),    options.past};
}

template <class T>
T* parts(const Tensor& z) {
  return reinterpret_cast<T*>(z.raw());
}

template <class T, class V>
void correlate(const Tensor& estimates, const V& v, const Sizes& s, double2* vectors) {
  const int64_t tiles = ceil_div(s.bins, lanes), chunks = ceil_div(ceil_div(s.taps, unit), rows);
  launch(fcp_correlate_kernel<T, V>, dim3(blocks_for(s.images() * tiles * chunks, 1)), dim3(lanes, rows), 0,
         estimates.stream(), parts<const T>(estimates), v, s, tiles, chunks, vectors);
}

// vectors = A^-1 vectors, zero where there is no factor.
void solve_all(Stream stream, const Sizes& s, const Tensor& factors, const Tensor& vectors) {
  const int64_t count = s.images() * s.bins;
  if (count == 0) return;
  const Tensor table = Tensor::empty({2 * count}, DType::int64, stream);
  const Tensor info = Tensor::zeros({1}, DType::int64, stream);
  double2 *l = parts<double2>(factors), *x = parts<double2>(vectors), **pointers = parts<double2*>(table);
  launch(fcp_point_kernel, grid_for(count), dim3(block_size), 0, stream, s, l, x, pointers);
  auto* const* begin = parts<complex128*>(table);
  solver::solve(stream, s.taps, begin, begin + count, parts<int>(info), count);
  launch(fcp_clear_kernel, grid_for(count * s.taps), dim3(block_size), 0, stream, s, l, x);
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::fcp_forward(const Tensor& estimates, const Tensor& mixtures, const Tensor& weights,
                       const FcpOptions& options, const Tensor& failures, Fcp& result) {
  const Sizes s = sizes_of(estimates, mixtures, weights, options);
  const Stream stream = estimates.stream();
  result.factors = Tensor::empty({s.items, s.sources, s.groups, s.bins, s.taps, s.taps}, DType::complex128, stream);
  if (s.systems() == 0) return;
  double2 *matrices = parts<double2>(result.factors), *filters = parts<double2>(result.filters);
  const Tensor table = Tensor::empty({s.systems()}, DType::int64, stream);
  const Tensor info = Tensor::empty({s.systems()}, DType::int64, stream);  // of int, half of it
  const int64_t tiles = ceil_div(s.bins, lanes), pieces = ceil_div(s.frames, filter_frames);
  int64_t units = 0;
  for (int64_t lag = 0; lag < s.taps; ++lag) units += ceil_div(s.taps - lag, unit);
  visit_real("fcp", weights.dtype(), [&]<class T>() {
    const T *z = parts<T>(estimates), *lambda = weights.data<T>();
    const int64_t chunks = ceil_div(units, rows);
    launch(fcp_gram_kernel<T>, dim3(blocks_for(s.items * s.sources * s.groups * chunks * tiles, 1)), dim3(lanes, rows),
           0, stream, z, lambda, s, tiles, chunks, units, matrices);
    launch(fcp_load_kernel, grid_for(s.systems()), dim3(block_size), 0, stream, s, options.loading, matrices,
           parts<double2*>(table));
    solver::factorise(stream, s.taps, parts<complex128*>(table), parts<int>(info), s.systems());
    launch(fcp_check_kernel, grid_for(s.systems()), dim3(block_size), 0, stream, s, parts<int>(info), matrices,
           failures.defined() ? failures.mutable_data<int64_t>() : nullptr);
    correlate<T>(estimates, WeightedMixture<T>{parts<T>(mixtures), lambda}, s, filters);
    solve_all(stream, s, result.factors, result.filters);
    launch(fcp_filter_kernel<T>, dim3(blocks_for(s.images() * pieces * tiles, 1)), dim3(lanes, rows),
           lanes * s.taps * sizeof(double2), stream, z, filters, s, tiles, pieces, parts<T>(result.images));
  });
}

void cuda::fcp_backward(const Tensor& grad_images, const Tensor& estimates, const Tensor& mixtures,
                        const Tensor& weights, const Fcp& forward, const FcpOptions& options, Tensor& grad_estimates) {
  const Sizes s = sizes_of(estimates, mixtures, weights, options);
  const Stream stream = estimates.stream();
  if (estimates.numel() == 0) return;
  const Tensor solutions = options.stop_gradient ? forward.filters : Tensor::empty_like(forward.filters);
  const int64_t tiles = ceil_div(s.bins, grad_lanes), pieces = ceil_div(s.frames, grad_frames);
  visit_real("fcp", weights.dtype(), [&]<class T>() {
    const T* cotangent = parts<T>(grad_images);
    if (!options.stop_gradient) {
      correlate<T>(estimates, Cotangent<T>{cotangent}, s, parts<double2>(solutions));
      solve_all(stream, s, forward.factors, solutions);
    }
    const Inputs<T> in{
        parts<T>(estimates),      parts<T>(mixtures), weights.data<T>(), cotangent, parts<double2>(forward.filters),
        parts<double2>(solutions)};
    launch(options.stop_gradient ? fcp_backward_kernel<T, false> : fcp_backward_kernel<T, true>,
           dim3(blocks_for(s.items * s.sources * pieces * tiles, 1)), dim3(grad_lanes, grad_rows),
           grad_shared_bytes(s.taps), stream, in, s, tiles, pieces, parts<T>(grad_estimates));
  });
}

}  // namespace sunder
