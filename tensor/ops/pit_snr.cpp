#include "tensor/ops/pit_snr.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tensor/ops/permutation.h"
#include "tensor/ops/snr_cpu.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

// What is summed for one item: S energies of references, then S x S residuals, [reference][estimate].
constexpr int64_t sums_of(int64_t sources) { return sources + sources * sources; }

SUNDER_SIMD void add_residuals(const double* references, const double* estimates, int64_t sources, int64_t n,
                               double* residuals) {
  add_pair_sums(references, sources, estimates, sources, /*upper=*/false, n, residuals,
                [](double s, double e) { return (s - e) * (s - e); });
}

// Adds the sums of n samples; every signal is read once.
template <class T>
void pair_sums(const T* references, const T* estimates, int64_t sources, int64_t length, int64_t n, double* sums) {
  std::array<double, pit_max_sources * snr_tile> s, e;
  for (int64_t begin = 0; begin < n; begin += snr_tile) {
    const int64_t count = std::min(snr_tile, n - begin);
    widen_rows(references + begin, sources, length, count, s.data());
    widen_rows(estimates + begin, sources, length, count, e.data());
    for (int64_t i = 0; i < sources; ++i) sums[i] += sum_of_squares(s.data() + i * snr_tile, count);
    add_residuals(s.data(), e.data(), sources, count, sums + sources);
  }
}

template <class T>
SUNDER_SIMD void scaled_difference(const T* estimate, const T* reference, T scale, T* result, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) result[i] = scale * (estimate[i] - reference[i]);
}

// The loss of an item from its sums.
template <class T>
void choose(const double* sums, int64_t item, int64_t sources, double tau, PitSnr& result) {
  const double* residuals = sums + sources;
  std::array<double, pit_max_sources * pit_max_sources> cost;
  for (int64_t i = 0; i < sources * sources; ++i) cost[i] = snr_loss(sums[i / sources], residuals[i], tau);
  const PermutationChoice best = best_permutation(cost.data(), static_cast<int>(sources));
  result.loss.mutable_data<T>()[item] = static_cast<T>(best.cost / static_cast<double>(sources));
  result.assignment.mutable_data<int64_t>()[item] = best.index;
  for (int64_t s = 0; s < sources; ++s) {
    const int estimate = permuted(best.permutation, static_cast<int>(s));
    const double residual = residuals[s * sources + estimate];
    result.permutation.mutable_data<int64_t>()[item * sources + s] = estimate;
    result.slope.mutable_data<double>()[item * sources + s] =
        snr_slope(sums[s], residual, tau) / static_cast<double>(sources);
  }
}

}  // namespace

void cpu::pit_snr_forward(const Tensor& references, const Tensor& estimates, double tau, PitSnr& result) {
  const int64_t items = references.size(0), sources = references.size(1), length = references.size(2);
  const int64_t blocks = snr_blocks(length), columns = sums_of(sources);
  std::vector<double> partial(items * blocks * columns, 0.0);
  visit_real("pit_snr", references.dtype(), [&]<class T>() {
    parallel_for(items * blocks, 1, [&](int64_t task, int64_t) {
      const int64_t begin = task % blocks * snr_block, offset = task / blocks * sources * length + begin;
      pair_sums(references.data<T>() + offset, estimates.data<T>() + offset, sources, length,
                std::min(snr_block, length - begin), partial.data() + task * columns);
    });
    parallel_for(items, 8, [&](int64_t begin, int64_t end) {
      for (int64_t item = begin; item < end; ++item) {
        std::array<double, sums_of(pit_max_sources)> sums{};
        for (int64_t i = 0; i < blocks * columns; ++i) sums[i % columns] += partial[item * blocks * columns + i];
        choose<T>(sums.data(), item, sources, tau, result);
      }
    });
  });
}

void cpu::pit_snr_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                           const Tensor& permutation, const Tensor& slope, Tensor& grad_estimates) {
  const int64_t items = references.size(0), sources = references.size(1), length = references.size(2);
  const int64_t blocks = snr_blocks(length);
  visit_real("pit_snr", references.dtype(), [&]<class T>() {
    parallel_for(items * sources * blocks, 1, [&](int64_t task, int64_t) {
      const int64_t row = task / blocks, item = row / sources, begin = task % blocks * snr_block;
      const int64_t target = row * length + begin;
      const int64_t chosen = (item * sources + permutation.data<int64_t>()[row]) * length + begin;
      const double scale = 2 * slope.data<double>()[row] * static_cast<double>(grad_loss.data<T>()[item]);
      scaled_difference(estimates.data<T>() + chosen, references.data<T>() + target, static_cast<T>(scale),
                        grad_estimates.mutable_data<T>() + chosen, std::min(snr_block, length - begin));
    });
  });
}

namespace {

void check(const Tensor& references, const Tensor& estimates) {
  check_alike("pit_snr", {&references, &estimates});
  check_dim("pit_snr", "references", references, 3);
  const int64_t sources = references.size(1);
  if (sources < 1 || sources > pit_max_sources)
    throw_error("[pit_snr] expected references (B, S, L) of 1 to {} sources, got {}", pit_max_sources,
                describe(references));
  check_shape("pit_snr", "estimates", estimates, references.shape());
}

}  // namespace

PitSnr pit_snr(const Tensor& references, const Tensor& estimates, double snr_max_db) {
  check(references, estimates);
  const int64_t items = references.size(0), sources = references.size(1);
  const Stream stream = references.stream();
  PitSnr result{Tensor::empty({items}, references.dtype(), stream), Tensor::empty({items}, DType::int64, stream),
                Tensor::empty({items, sources}, DType::int64, stream),
                Tensor::empty({items, sources}, DType::float64, stream)};
  SUNDER_DISPATCH(pit_snr_forward, references.device())(references, estimates, snr_tau(snr_max_db), result);
  return result;
}

Tensor pit_snr_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                        const Tensor& permutation, const Tensor& slope) {
  check(references, estimates);
  check_alike("pit_snr_backward", {&grad_loss, &references});
  check_shape("pit_snr_backward", "grad_loss", grad_loss, {references.size(0)});
  Tensor grad_estimates = Tensor::empty_like(estimates);
  SUNDER_DISPATCH(pit_snr_backward, references.device())
  (grad_loss, references, estimates, permutation, slope, grad_estimates);
  return grad_estimates;
}

}  // namespace sunder
