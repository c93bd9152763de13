#include "tensor/ops/pit_ri_mag.h"

#include "tensor/ops/ri_mag.h"
#include "tensor/ops/snr.cuh"

// Forward: sums of every pair of reference and estimate, then a block per item that adds them up and tries all
// permutations, one per thread. Floor: all spectra once. Backward: references and estimates once, the gradient once.
namespace sunder::cuda {
namespace {

// What is summed: |mixture|, then S x S distances, [reference][estimate].
constexpr int sums_of(int sources) { return 1 + sources * sources; }

template <class T>
struct Spectra {
  const T *references, *mixtures, *estimates;
};

// The number of sources is a constant, so that all sums stay in registers. partial: (items, pieces, sums).
template <class T, int sources>
__global__ void pit_distances_kernel(Spectra<T> in, int64_t points, int64_t pieces, double* partial) {
  constexpr int count = sums_of(sources);
  SUNDER_SHARED(double[count * snr_warps], shared);
  const int64_t item = blockIdx.x / pieces, begin = (blockIdx.x - item * pieces) * snr_samples;
  T sums[count] = {};
  for (int k = 0; k < snr_samples_per_thread; ++k) {
    const int64_t i = snr_sample<1>(begin, k);
    if (i >= points) break;
    const auto mixture = load<2>(in.mixtures + 2 * (item * points + i));
    sums[0] += magnitude_of(mixture.at[0], mixture.at[1]);
    Pack<T, 2> estimate[sources];
#pragma unroll
    for (int s = 0; s < sources; ++s) estimate[s] = load<2>(in.estimates + 2 * ((item * sources + s) * points + i));
#pragma unroll
    for (int row = 0; row < sources; ++row) {
      const auto reference = load<2>(in.references + 2 * ((item * sources + row) * points + i));
      const T level = magnitude_of(reference.at[0], reference.at[1]);
#pragma unroll
      for (int s = 0; s < sources; ++s)
        sums[1 + row * sources + s] +=
            ri_mag(reference.at[0], reference.at[1], level, estimate[s].at[0], estimate[s].at[1]).distance;
    }
  }
#pragma unroll
  for (int i = 0; i < count; ++i) snr_keep(sums[i], i, shared);
  snr_write(count, shared, partial + static_cast<int64_t>(blockIdx.x) * count);
}

template <class T>
__global__ void pit_distance_choose_kernel(const double* partial, int64_t pieces, int sources, int permutations,
                                           T* loss, int64_t* permutation, double* scale) {
  constexpr int most = sums_of(pit_max_sources);
  SUNDER_SHARED(double[most], sums);
  SUNDER_SHARED(Candidate[snr_warps], bests);
  const int64_t item = blockIdx.x;
  const int count = 1 + sources * sources, thread = threadIdx.x;
  if (thread < count) {
    double sum = 0;
    for (int64_t piece = 0; piece < pieces; ++piece) sum += partial[(item * pieces + piece) * count + thread];
    sums[thread] = sum;
  }
  __syncthreads();
  const Candidate best =
      best_permutation_of_block(sources, permutations, bests, [&](int s, int e) { return sums[1 + s * sources + e]; });
  if (thread == 0) {
    scale[item] = ri_mag_scale(sums[0]) / sources;
    loss[item] = static_cast<T>(best.loss * ri_mag_scale(sums[0]) / sources);
  }
  if (thread < sources)
    permutation[item * sources + thread] = permuted(permutation_at(best.index, sources, permutations), thread);
}

template <class T>
__global__ void pit_distance_backward_kernel(const T* grad_loss, const T* references, const T* estimates,
                                             const int64_t* permutation, const double* scale, int64_t count,
                                             int64_t sources, int64_t points, T* grad_estimates) {
  SUNDER_GRID_STRIDE(at, count) {  // of the references
    const int64_t row = at / points, item = row / sources;
    const int64_t chosen = at + (item * sources + permutation[row] - row) * points;
    const T factor = static_cast<T>(static_cast<double>(grad_loss[item]) * scale[item]);
    const auto r = load<2>(references + 2 * at), e = load<2>(estimates + 2 * chosen);
    const RiMag<T> term = ri_mag(r.at[0], r.at[1], magnitude_of(r.at[0], r.at[1]), e.at[0], e.at[1]);
    store<2>(grad_estimates + 2 * chosen, Pack<T, 2>{factor * term.slope_re, factor * term.slope_im});
  }
}

template <class T>
const T* parts(const Tensor& z) {
  return reinterpret_cast<const T*>(z.raw());
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::pit_ri_mag_forward(const Tensor& references, const Tensor& mixtures, const Tensor& estimates,
                              PitRiMag& result) {
  const int64_t items = references.size(0), sources = references.size(1);
  const int64_t points = references.size(2) * references.size(3), pieces = snr_pieces(points);
  const Stream stream = references.stream();
  const Tensor partial = Tensor::empty({items, pieces, 1 + sources * sources}, DType::float64, stream);
  visit_real("pit_ri_mag", result.loss.dtype(), [&]<class T>() {
    with_sources(sources, [&]<int count>() {
      launch(pit_distances_kernel<T, count>, dim3(blocks_for(items * pieces, 1)), dim3(block_size), 0, stream,
             Spectra<T>{parts<T>(references), parts<T>(mixtures), parts<T>(estimates)}, points, pieces,
             partial.mutable_data<double>());
    });
    launch(pit_distance_choose_kernel<T>, dim3(blocks_for(items, 1)), dim3(block_size), 0, stream,
           partial.data<double>(), pieces, static_cast<int>(sources), permutation_count(sources),
           result.loss.mutable_data<T>(), result.permutation.mutable_data<int64_t>(),
           result.scale.mutable_data<double>());
  });
}

void cuda::pit_ri_mag_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                               const PitRiMag& forward, Tensor& grad_estimates) {
  const int64_t count = references.numel(), points = references.size(2) * references.size(3);
  if (count == 0) return;
  visit_real("pit_ri_mag", grad_loss.dtype(), [&]<class T>() {
    launch(pit_distance_backward_kernel<T>, grid_for(count), dim3(block_size), 0, references.stream(),
           grad_loss.data<T>(), parts<T>(references), parts<T>(estimates), forward.permutation.data<int64_t>(),
           forward.scale.data<double>(), count, references.size(1), points, reinterpret_cast<T*>(grad_estimates.raw()));
  });
}

}  // namespace sunder
