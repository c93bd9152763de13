#include "tensor/ops/pit_si_snr.h"

#include "tensor/ops/snr.cuh"

// Forward: sums of every signal and of every pair of reference and estimate, then a block per item that adds them up
// and tries all permutations. Floor: references and estimates once. Backward: both once, the gradient once.
namespace sunder::cuda {
namespace {

// What is summed: S sums and S energies of the references, the same of the estimates, then S x S products,
// [reference][estimate].
constexpr int sums_of(int sources) { return 4 * sources + sources * sources; }

// The number of sources is a constant, so that all sums stay in registers. partial: (items, pieces, sums).
template <class T, int sources, int width>
__global__ void pit_si_sums_kernel(const T* references, const T* estimates, int64_t length, int64_t pieces,
                                   double* partial) {
  constexpr int count = sums_of(sources);
  SUNDER_SHARED(double[count * snr_warps], shared);
  const int64_t item = blockIdx.x / pieces, begin = (blockIdx.x - item * pieces) * snr_samples;
  T sums[count] = {};
  for (int pack = 0; pack < snr_samples_per_thread / width; ++pack) {
    const int64_t i = snr_sample<width>(begin, pack);
    if (i >= length) break;
    Pack<T, width> r[sources], e[sources];
#pragma unroll
    for (int row = 0; row < sources; ++row) {
      r[row] = load<width>(references + (item * sources + row) * length + i);
      e[row] = load<width>(estimates + (item * sources + row) * length + i);
    }
#pragma unroll
    for (int row = 0; row < sources; ++row) {
      for (int k = 0; k < width; ++k) {
        sums[row] += r[row].at[k];
        sums[sources + row] += r[row].at[k] * r[row].at[k];
        sums[2 * sources + row] += e[row].at[k];
        sums[3 * sources + row] += e[row].at[k] * e[row].at[k];
      }
#pragma unroll
      for (int column = 0; column < sources; ++column)
        for (int k = 0; k < width; ++k) sums[4 * sources + row * sources + column] += r[row].at[k] * e[column].at[k];
    }
  }
#pragma unroll
  for (int i = 0; i < count; ++i) snr_keep(sums[i], i, shared);
  snr_write(count, shared, partial + static_cast<int64_t>(blockIdx.x) * count);
}

__device__ __forceinline__ SiSnr pair_of(const double* sums, int sources, int reference, int estimate, int64_t length) {
  return si_snr({static_cast<double>(length), sums[reference], sums[2 * sources + estimate], sums[sources + reference],
                 sums[3 * sources + estimate], sums[4 * sources + reference * sources + estimate]});
}

template <class T>
__global__ void pit_si_choose_kernel(const double* partial, int64_t pieces, int64_t length, int sources,
                                     int permutations, T* loss, int64_t* permutation, double* slopes) {
  SUNDER_SHARED(double[sums_of(pit_max_sources)], sums);
  SUNDER_SHARED(double[pit_max_sources * pit_max_sources], cost);
  SUNDER_SHARED(Candidate[snr_warps], bests);
  const int64_t item = blockIdx.x;
  const int count = sums_of(sources), thread = threadIdx.x;
  if (thread < count) {
    double sum = 0;
    for (int64_t piece = 0; piece < pieces; ++piece) sum += partial[(item * pieces + piece) * count + thread];
    sums[thread] = sum;
  }
  __syncthreads();
  if (thread < sources * sources)
    cost[thread] = pair_of(sums, sources, thread / sources, thread % sources, length).loss;
  __syncthreads();
  const Candidate best =
      best_permutation_of_block(sources, permutations, bests, [&](int s, int e) { return cost[s * sources + e]; });
  if (thread == 0) loss[item] = static_cast<T>(best.loss / sources);
  if (thread < sources) {
    const int estimate = permuted(permutation_at(best.index, sources, permutations), thread);
    const SiSnr chosen = pair_of(sums, sources, thread, estimate, length);
    permutation[item * sources + thread] = estimate;
    double* to = slopes + (item * sources + thread) * 3;
    to[0] = chosen.of_estimate / sources;
    to[1] = chosen.of_reference / sources;
    to[2] = chosen.offset / sources;
  }
}

template <class T, int width>
__global__ void pit_si_backward_kernel(const T* grad_loss, const T* references, const T* estimates,
                                       const int64_t* permutation, const double* slopes, int64_t sources,
                                       int64_t length, int64_t pieces, T* grad_estimates) {
  const int64_t row = blockIdx.x / pieces, item = row / sources, begin = (blockIdx.x - row * pieces) * snr_samples;
  const int64_t chosen = item * sources + permutation[row];
  const double scale = static_cast<double>(grad_loss[item]);
  const T of_estimate = static_cast<T>(scale * slopes[row * 3]), offset = static_cast<T>(scale * slopes[row * 3 + 2]);
  const T of_reference = static_cast<T>(scale * slopes[row * 3 + 1]);
  for (int pack = 0; pack < snr_samples_per_thread / width; ++pack) {
    const int64_t i = snr_sample<width>(begin, pack);
    if (i >= length) break;
    const Pack<T, width> r = load<width>(references + row * length + i);
    Pack<T, width> e = load<width>(estimates + chosen * length + i);
    for (int k = 0; k < width; ++k) e.at[k] = of_estimate * e.at[k] + of_reference * r.at[k] + offset;
    store<width>(grad_estimates + chosen * length + i, e);
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::pit_si_snr_forward(const Tensor& references, const Tensor& estimates, PitSiSnr& result) {
  const int64_t items = references.size(0), sources = references.size(1), length = references.size(2);
  const int64_t pieces = snr_pieces(length);
  const Stream stream = references.stream();
  const Tensor partial = Tensor::empty({items, pieces, sums_of(static_cast<int>(sources))}, DType::float64, stream);
  visit_real("pit_si_snr", references.dtype(), [&]<class T>() {
    const T *r = references.data<T>(), *e = estimates.data<T>();
    with_pack_width<T>(length, {r, e}, [&]<int width>() {
      with_sources(sources, [&]<int count>() {
        launch(pit_si_sums_kernel<T, count, width>, dim3(blocks_for(items * pieces, 1)), dim3(block_size), 0, stream, r,
               e, length, pieces, partial.mutable_data<double>());
      });
    });
    launch(pit_si_choose_kernel<T>, dim3(blocks_for(items, 1)), dim3(block_size), 0, stream, partial.data<double>(),
           pieces, length, static_cast<int>(sources), permutation_count(sources), result.loss.mutable_data<T>(),
           result.permutation.mutable_data<int64_t>(), result.slopes.mutable_data<double>());
  });
}

void cuda::pit_si_snr_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                               const PitSiSnr& forward, Tensor& grad_estimates) {
  const int64_t rows = references.size(0) * references.size(1), length = references.size(2);
  const int64_t pieces = snr_pieces(length);
  visit_real("pit_si_snr", references.dtype(), [&]<class T>() {
    const T *r = references.data<T>(), *e = estimates.data<T>();
    T* grad = grad_estimates.mutable_data<T>();
    with_pack_width<T>(length, {r, e, grad}, [&]<int width>() {
      launch(pit_si_backward_kernel<T, width>, dim3(blocks_for(rows * pieces, 1)), dim3(block_size), 0,
             references.stream(), grad_loss.data<T>(), r, e, forward.permutation.data<int64_t>(),
             forward.slopes.data<double>(), references.size(1), length, pieces, grad);
    });
  });
}

}  // namespace sunder
