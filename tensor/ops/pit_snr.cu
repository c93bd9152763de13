#include "tensor/ops/pit_snr.h"

#include "tensor/ops/snr.cuh"

// Forward: sums of every pair of reference and estimate, then a block per item that adds them up and tries all
// permutations, one per thread. Floor: references and estimates once. Backward: both once, the gradient once.
namespace sunder::cuda {
namespace {

// What is summed: S energies of references, then S x S residuals, [reference][estimate].
constexpr int sums_of(int sources) { return sources + sources * sources; }

// The number of sources is a constant, so that all sums stay in registers. partial: (items, pieces, sums).
template <class T, int sources, int width>
__global__ void pit_sums_kernel(const T* references, const T* estimates, int64_t length, int64_t pieces,
                                double* partial) {
  constexpr int count = sums_of(sources);
  SUNDER_SHARED(double[count * snr_warps], shared);
  const int64_t item = blockIdx.x / pieces, begin = (blockIdx.x - item * pieces) * snr_samples;
  T sums[count] = {};
  for (int pack = 0; pack < snr_samples_per_thread / width; ++pack) {
    const int64_t i = snr_sample<width>(begin, pack);
    if (i >= length) break;
    Pack<T, width> s[sources], e[sources];
#pragma unroll
    for (int row = 0; row < sources; ++row) {
      s[row] = load<width>(references + (item * sources + row) * length + i);
      e[row] = load<width>(estimates + (item * sources + row) * length + i);
    }
#pragma unroll
    for (int row = 0; row < sources; ++row) {
      for (int k = 0; k < width; ++k) sums[row] += s[row].at[k] * s[row].at[k];
#pragma unroll
      for (int column = 0; column < sources; ++column) {
        for (int k = 0; k < width; ++k) {
          const T difference = s[row].at[k] - e[column].at[k];
          sums[sources + row * sources + column] += difference * difference;
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < count; ++i) snr_keep(sums[i], i, shared);
  snr_write(count, shared, partial + static_cast<int64_t>(blockIdx.x) * count);
}

struct PitChoice {
  int64_t *assignment, *permutation;
  double* slope;
};

template <class T>
__global__ void pit_choose_kernel(const double* partial, int64_t pieces, int sources, int permutations, double tau,
                                  T* loss, PitChoice choice) {
  constexpr int most = sums_of(pit_max_sources);
  SUNDER_SHARED(double[most], sums);
  SUNDER_SHARED(double[pit_max_sources * pit_max_sources], cost);
  SUNDER_SHARED(Candidate[snr_warps], bests);
  const int64_t item = blockIdx.x;
  const int count = sources + sources * sources, thread = threadIdx.x;
  if (thread < count) {
    double sum = 0;
    for (int64_t piece = 0; piece < pieces; ++piece) sum += partial[(item * pieces + piece) * count + thread];
    sums[thread] = sum;
  }
  __syncthreads();
  if (thread < sources * sources) cost[thread] = snr_loss(sums[thread / sources], sums[sources + thread], tau);
  __syncthreads();
  const Candidate best =
      best_permutation_of_block(sources, permutations, bests, [&](int s, int e) { return cost[s * sources + e]; });
  if (thread == 0) {
    loss[item] = static_cast<T>(best.loss / sources);
    choice.assignment[item] = best.index;
  }
  if (thread < sources) {
    const int estimate = permutation_at(best.index, sources, permutations) >> 4 * thread & 15;
    const double residual = sums[sources + thread * sources + estimate];
    choice.permutation[item * sources + thread] = estimate;
    choice.slope[item * sources + thread] = snr_slope(sums[thread], residual, tau) / sources;
  }
}

template <class T, int width>
__global__ void pit_backward_kernel(const T* grad_loss, const T* references, const T* estimates,
                                    const int64_t* permutation, const double* slope, int64_t sources, int64_t length,
                                    int64_t pieces, T* grad_estimates) {
  constexpr int packs = snr_samples_per_thread / width;
  const int64_t row = blockIdx.x / pieces, item = row / sources, begin = (blockIdx.x - row * pieces) * snr_samples;
  const int64_t chosen = item * sources + permutation[row];
  const T scale = static_cast<T>(2 * slope[row] * static_cast<double>(grad_loss[item]));
  Pack<T, width> s[packs], e[packs];
#pragma unroll
  for (int pack = 0; pack < packs; ++pack) {
    const int64_t i = snr_sample<width>(begin, pack);
    if (i >= length) break;
    s[pack] = load<width>(references + row * length + i);
    e[pack] = load<width>(estimates + chosen * length + i);
  }
#pragma unroll
  for (int pack = 0; pack < packs; ++pack) {
    const int64_t i = snr_sample<width>(begin, pack);
    if (i >= length) break;
    for (int k = 0; k < width; ++k) e[pack].at[k] = scale * (e[pack].at[k] - s[pack].at[k]);
    store<width>(grad_estimates + chosen * length + i, e[pack]);
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::pit_snr_forward(const Tensor& references, const Tensor& estimates, double tau, PitSnr& result) {
  const int64_t items = references.size(0), sources = references.size(1), length = references.size(2);
  const int64_t pieces = snr_pieces(length);
  const Stream stream = references.stream();
  const int permutations = permutation_count(sources);
  const Tensor partial = Tensor::empty({items, pieces, sources + sources * sources}, DType::float64, stream);
  visit_real("pit_snr", references.dtype(), [&]<class T>() {
    const T *s = references.data<T>(), *e = estimates.data<T>();
    with_pack_width<T>(length, {s, e}, [&]<int width>() {
      with_sources(sources, [&]<int count>() {
        launch(pit_sums_kernel<T, count, width>, dim3(blocks_for(items * pieces, 1)), dim3(block_size), 0, stream, s, e,
               length, pieces, partial.mutable_data<double>());
      });
    });
    const PitChoice choice{result.assignment.mutable_data<int64_t>(), result.permutation.mutable_data<int64_t>(),
                           result.slope.mutable_data<double>()};
    launch(pit_choose_kernel<T>, dim3(blocks_for(items, 1)), dim3(block_size), 0, stream, partial.data<double>(),
           pieces, static_cast<int>(sources), permutations, tau, result.loss.mutable_data<T>(), choice);
  });
}

void cuda::pit_snr_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                            const Tensor& permutation, const Tensor& slope, Tensor& grad_estimates) {
  const int64_t rows = references.size(0) * references.size(1), length = references.size(2);
  const int64_t pieces = snr_pieces(length);
  visit_real("pit_snr", references.dtype(), [&]<class T>() {
    const T *s = references.data<T>(), *e = estimates.data<T>();
    T* grad = grad_estimates.mutable_data<T>();
    with_pack_width<T>(length, {s, e, grad}, [&]<int width>() {
      launch(pit_backward_kernel<T, width>, dim3(blocks_for(rows * pieces, 1)), dim3(block_size), 0,
             references.stream(), grad_loss.data<T>(), s, e, permutation.data<int64_t>(), slope.data<double>(),
             references.size(1), length, pieces, grad);
    });
  });
}

}  // namespace sunder
