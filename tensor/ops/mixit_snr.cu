#include "tensor/ops/mixit_snr.h"

#include "tensor/ops/snr.cuh"

// Forward, four launches: products of every pair of signals; a block per item that sums them and tries all assignments,
// one per thread; the residuals of the best one; its loss. Floor: mixtures and estimates twice. Backward: mixtures and
// estimates once, the gradient once.
namespace sunder::cuda {
namespace {

// Products: the samples [begin, begin + gram_samples) of all signals in shared memory, one pair of signals per warp. 20
// signals, the most that mixit_max_assignments allows, take 40 KiB.
template <class T>
constexpr int gram_samples = 2048 / sizeof(T);
constexpr int max_signals = 20;

struct Sizes {
  int64_t mixtures, sources, length;
  __host__ __device__ int signals() const { return static_cast<int>(mixtures + sources); }
  __host__ __device__ int pairs() const { return signals() * (signals() + 1) / 2; }
};

// partial: (items, pieces, pairs) of rows <= columns, row by row, mixtures first.
template <class T>
__global__ void gram_kernel(const T* mixtures, const T* estimates, Sizes sizes, int64_t pieces, double* partial) {
  SUNDER_DYNAMIC_SHARED(T, samples);
  constexpr int across = gram_samples<T>;
  const int64_t item = blockIdx.x / pieces, begin = (blockIdx.x - item * pieces) * across;
  const int signals = sizes.signals(), lane = threadIdx.x % 32;
  for (int row = 0; row < signals; ++row) {
    const T* signal = row < sizes.mixtures ? mixtures + (item * sizes.mixtures + row) * sizes.length
                                           : estimates + (item * sizes.sources + row - sizes.mixtures) * sizes.length;
    for (int i = threadIdx.x; i < across; i += block_size)
      samples[row * across + i] = begin + i < sizes.length ? signal[begin + i] : T(0);
  }
  __syncthreads();
  int row = 0, pair = threadIdx.x / 32, first = 0;  // of the row's pairs
  for (; pair < sizes.pairs(); pair += snr_warps) {
    while (pair >= first + signals - row) first += signals - row++;
    const T *a = samples + row * across, *b = samples + (row + pair - first) * across;
    double sum = 0;
    for (int i = lane; i < across; i += 32) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    sum = warp_sum(sum);
    if (lane == 0) partial[static_cast<int64_t>(blockIdx.x) * sizes.pairs() + pair] = sum;
  }
}

// The mixture of every estimate, four bits each, in assignment number `index`. Mixture m takes its set out of the
// `free` estimates that the mixtures before it left, and the sets stand in ascending order, estimate 0 the highest bit:
// so with an estimate's bit 0 come the assignments in which it and the lower ones may go to any later mixture.
__device__ __forceinline__ uint64_t assignment_at(int index, int mixtures, int sources) {
  uint64_t result = 0;
  unsigned free = (1u << sources) - 1;  // bit s: estimate s
  for (int m = 0; m < mixtures; ++m) {
    const int choices = mixtures - m;  // of an estimate that is still free
    int without = 1;                   // assignments of the rest, if the estimate at hand goes to a later mixture
    for (int k = __popc(free); k > 1; --k) without *= choices;
    without *= choices - 1;
    unsigned taken = 0;
    for (int s = 0; s < sources; ++s) {
      if (!(free >> s & 1)) continue;
      const bool takes = index >= without;
      if (takes) {
        index -= without;
        taken |= 1u << s;
        result |= static_cast<uint64_t>(m) << 4 * s;
        without /= choices;
      } else {
        without = without / choices * (choices - 1);
      }
    }
    free &= ~taken;
  }
  return result;
}

// The sum over the mixtures of their losses. |x - sum e|^2 = |x|^2 + sum of (|e|^2 - 2 <x, e> + 2 <e, those before>).
__device__ double assignment_loss(const double* gram, const Sizes& sizes, uint64_t mixture_of, double tau) {
  const int signals = sizes.signals(), mixtures = static_cast<int>(sizes.mixtures);
  double loss = 0;
  for (int m = 0; m < mixtures; ++m) {
    double residual = gram[m * signals + m];
    for (int s = 0; s < sizes.sources; ++s) {
      if (static_cast<int>(mixture_of >> 4 * s & 15) != m) continue;
      const double* products = gram + (mixtures + s) * signals;
      residual += products[mixtures + s] - 2 * products[m];
      for (int other = 0; other < s; ++other)
        if (static_cast<int>(mixture_of >> 4 * other & 15) == m) residual += 2 * products[mixtures + other];
    }
    // Rounding may leave a residual of zero slightly negative.
    loss += snr_loss(gram[m * signals + m], residual < 0 ? 0.0 : residual, tau);
  }
  return loss;
}

// energy: (items, M) of the mixtures.
__global__ void search_kernel(const double* partial, Sizes sizes, int64_t pieces, int assignments, double tau,
                              int64_t* assignment, int64_t* mixture_of, double* energy) {
  SUNDER_SHARED(double[max_signals * max_signals], gram);
  SUNDER_SHARED(Candidate[snr_warps], bests);
  const int64_t item = blockIdx.x;
  const int signals = sizes.signals(), pairs = sizes.pairs(), thread = threadIdx.x;
  if (thread < pairs) {
    double sum = 0;
    for (int64_t piece = 0; piece < pieces; ++piece) sum += partial[(item * pieces + piece) * pairs + thread];
    int row = 0, column = thread;
    for (; column >= signals - row; ++row) column -= signals - row;
    column += row;
    gram[row * signals + column] = gram[column * signals + row] = sum;
  }
  __syncthreads();
  const int mixtures = static_cast<int>(sizes.mixtures), sources = static_cast<int>(sizes.sources);
  Candidate best = no_candidate();
  for (int index = thread; index < assignments; index += block_size)
    best = better(best, {assignment_loss(gram, sizes, assignment_at(index, mixtures, sources), tau), index});
  best = block_best(best, bests);
  if (thread == 0) assignment[item] = best.index;
  if (thread < sources)
    mixture_of[item * sources + thread] = assignment_at(best.index, mixtures, sources) >> 4 * thread & 15;
  if (thread < mixtures) energy[item * mixtures + thread] = gram[thread * signals + thread];
}

// The sum of the estimates assigned to mixture m minus the mixture, from sample i of the item on.
template <int width, class T>
__device__ __forceinline__ Pack<T, width> residual_at(const T* mixtures, const T* estimates, const int64_t* mixture_of,
                                                      const Sizes& sizes, int64_t item, int64_t m, int64_t i) {
  const auto x = load<width>(mixtures + (item * sizes.mixtures + m) * sizes.length + i);
  Pack<T, width> residual;
  for (int k = 0; k < width; ++k) residual.at[k] = -x.at[k];
  for (int64_t s = 0; s < sizes.sources; ++s) {
    if (mixture_of[item * sizes.sources + s] != m) continue;
    const auto e = load<width>(estimates + (item * sizes.sources + s) * sizes.length + i);
    for (int k = 0; k < width; ++k) residual.at[k] += e.at[k];
  }
  return residual;
}

// partial: (items, pieces, M)
template <class T, int width>
__global__ void residual_kernel(const T* mixtures, const T* estimates, const int64_t* mixture_of, Sizes sizes,
                                int64_t pieces, double* partial) {
  SUNDER_SHARED(double[mixit_max_signals * snr_warps], shared);
  const int64_t item = blockIdx.x / pieces, begin = (blockIdx.x - item * pieces) * snr_samples;
  for (int64_t m = 0; m < sizes.mixtures; ++m) {
    T sum = 0;
    for (int pack = 0; pack < snr_samples_per_thread / width; ++pack) {
      const int64_t i = snr_sample<width>(begin, pack);
      if (i >= sizes.length) break;
      const auto residual = residual_at<width>(mixtures, estimates, mixture_of, sizes, item, m, i);
      for (int k = 0; k < width; ++k) sum += residual.at[k] * residual.at[k];
    }
    snr_keep(sum, static_cast<int>(m), shared);
  }
  snr_write(static_cast<int>(sizes.mixtures), shared, partial + static_cast<int64_t>(blockIdx.x) * sizes.mixtures);
}

// One warp per item, one lane per mixture.
template <class T>
__global__ void loss_kernel(const double* partial, const double* energy, int mixtures, int64_t pieces, double tau,
                            T* loss, double* slope) {
  const int64_t item = blockIdx.x;
  const int m = threadIdx.x;
  double of_mixture = 0;
  if (m < mixtures) {
    double residual = 0;
    for (int64_t piece = 0; piece < pieces; ++piece) residual += partial[(item * pieces + piece) * mixtures + m];
    of_mixture = snr_loss(energy[item * mixtures + m], residual, tau);
    slope[item * mixtures + m] = snr_slope(energy[item * mixtures + m], residual, tau) / mixtures;
  }
  double total = 0;
  for (int lane = 0; lane < mixtures; ++lane) total += __shfl_sync(0xffffffffu, of_mixture, lane);
  if (m == 0) loss[item] = static_cast<T>(total / mixtures);
}

template <class T, int width>
__global__ void mixit_backward_kernel(const T* grad_loss, const T* mixtures, const T* estimates,
                                      const int64_t* mixture_of, const double* slope, Sizes sizes, int64_t pieces,
                                      T* grad_estimates) {
  const int64_t item = blockIdx.x / pieces, begin = (blockIdx.x - item * pieces) * snr_samples;
  const double grad = 2 * static_cast<double>(grad_loss[item]);
  for (int64_t m = 0; m < sizes.mixtures; ++m) {
    const T scale = static_cast<T>(grad * slope[item * sizes.mixtures + m]);
    for (int pack = 0; pack < snr_samples_per_thread / width; ++pack) {
      const int64_t i = snr_sample<width>(begin, pack);
      if (i >= sizes.length) break;
      auto residual = residual_at<width>(mixtures, estimates, mixture_of, sizes, item, m, i);
      for (T& value : residual.at) value *= scale;
      for (int64_t s = 0; s < sizes.sources; ++s)
        if (mixture_of[item * sizes.sources + s] == m)
          store<width>(grad_estimates + (item * sizes.sources + s) * sizes.length + i, residual);
    }
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::mixit_snr_forward(const Tensor& mixtures, const Tensor& estimates, double tau, MixitSnr& result) {
  const int64_t items = mixtures.size(0);
  const Sizes sizes{mixtures.size(1), estimates.size(1), mixtures.size(2)};
  SUNDER_ASSERT(sizes.signals() <= max_signals);
  const Stream stream = mixtures.stream();
  int assignments = 1;
  for (int64_t s = 0; s < sizes.sources; ++s) assignments *= static_cast<int>(sizes.mixtures);
  const int64_t pieces = snr_pieces(sizes.length);
  const Tensor energy = Tensor::empty({items, sizes.mixtures}, DType::float64, stream);
  const Tensor residuals = Tensor::empty({items, pieces, sizes.mixtures}, DType::float64, stream);
  int64_t* mixture_of = result.mixture_of.mutable_data<int64_t>();
  visit_real("mixit_snr", mixtures.dtype(), [&]<class T>() {
    const T *x = mixtures.data<T>(), *e = estimates.data<T>();
    const int64_t gram_pieces = ceil_div(sizes.length, gram_samples<T>);
    const Tensor products = Tensor::empty({items, gram_pieces, sizes.pairs()}, DType::float64, stream);
    launch(gram_kernel<T>, dim3(blocks_for(items * gram_pieces, 1)), dim3(block_size),
           sizes.signals() * gram_samples<T> * sizeof(T), stream, x, e, sizes, gram_pieces,
           products.mutable_data<double>());
    launch(search_kernel, dim3(blocks_for(items, 1)), dim3(block_size), 0, stream, products.data<double>(), sizes,
           gram_pieces, assignments, tau, result.assignment.mutable_data<int64_t>(), mixture_of,
           energy.mutable_data<double>());
    with_pack_width<T>(sizes.length, {x, e}, [&]<int width>() {
      launch(residual_kernel<T, width>, dim3(blocks_for(items * pieces, 1)), dim3(block_size), 0, stream, x, e,
             mixture_of, sizes, pieces, residuals.mutable_data<double>());
    });
    launch(loss_kernel<T>, dim3(blocks_for(items, 1)), dim3(32), 0, stream, residuals.data<double>(),
           energy.data<double>(), static_cast<int>(sizes.mixtures), pieces, tau, result.loss.mutable_data<T>(),
           result.slope.mutable_data<double>());
  });
}

void cuda::mixit_snr_backward(const Tensor& grad_loss, const Tensor& mixtures, const Tensor& estimates,
                              const Tensor& mixture_of, const Tensor& slope, Tensor& grad_estimates) {
  const Sizes sizes{mixtures.size(1), estimates.size(1), mixtures.size(2)};
  const int64_t items = mixtures.size(0), pieces = snr_pieces(sizes.length);
  visit_real("mixit_snr", mixtures.dtype(), [&]<class T>() {
    const T *x = mixtures.data<T>(), *e = estimates.data<T>();
    T* grad = grad_estimates.mutable_data<T>();
    with_pack_width<T>(sizes.length, {x, e, grad}, [&]<int width>() {
      launch(mixit_backward_kernel<T, width>, dim3(blocks_for(items * pieces, 1)), dim3(block_size), 0,
             mixtures.stream(), grad_loss.data<T>(), x, e, mixture_of.data<int64_t>(), slope.data<double>(), sizes,
             pieces, grad);
    });
  });
}

}  // namespace sunder
