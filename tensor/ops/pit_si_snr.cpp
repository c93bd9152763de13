#include "tensor/ops/pit_si_snr.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tensor/ops/permutation.h"
#include "tensor/ops/snr_cpu.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

// What is summed for one item: S sums and S energies of the references, the same of the estimates, then S x S products,
// [reference][estimate].
constexpr int64_t sums_of(int64_t sources) { return 4 * sources + sources * sources; }

SiSnrSums pair_of(const double* sums, int64_t sources, int64_t reference, int64_t estimate, int64_t length) {
  return {static_cast<double>(length),  sums[reference],
          sums[2 * sources + estimate], sums[sources + reference],
          sums[3 * sources + estimate], sums[4 * sources + reference * sources + estimate]};
}

SUNDER_SIMD double sum_of(const double* x, int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  return sum;
}

// x: (sources, snr_tile). Adds to S sums and S energies.
void add_own_sums(const double* x, int64_t sources, int64_t n, double* sums) {
  for (int64_t i = 0; i < sources; ++i) {
    sums[i] += sum_of(x + i * snr_tile, n);
    sums[sources + i] += sum_of_squares(x + i * snr_tile, n);
  }
}

SUNDER_SIMD void add_products(const double* references, const double* estimates, int64_t sources, int64_t n,
                              double* products) {
  add_pair_sums(references, sources, estimates, sources, /*upper=*/false, n, products,
                [](double r, double e) { return r * e; });
}

// Adds the sums of n samples; every signal is read once.
template <class T>
void add_sums(const T* references, const T* estimates, int64_t sources, int64_t length, int64_t n, double* sums) {
  std::array<double, pit_max_sources * snr_tile> r, e;
  for (int64_t begin = 0; begin < n; begin += snr_tile) {
    const int64_t count = std::min(snr_tile, n - begin);
    widen_rows(references + begin, sources, length, count, r.data());
    widen_rows(estimates + begin, sources, length, count, e.data());
    add_own_sums(r.data(), sources, count, sums);
    add_own_sums(e.data(), sources, count, sums + 2 * sources);
    add_products(r.data(), e.data(), sources, count, sums + 4 * sources);
  }
}

// The loss of an item from its sums.
template <class T>
void choose(const double* sums, int64_t item, int64_t sources, int64_t length, PitSiSnr& result) {
  std::array<double, pit_max_sources * pit_max_sources> cost;
  for (int64_t i = 0; i < sources * sources; ++i)
    cost[i] = si_snr(pair_of(sums, sources, i / sources, i % sources, length)).loss;
  const PermutationChoice best = best_permutation(cost.data(), static_cast<int>(sources));
  const auto count = static_cast<double>(sources);
  result.loss.mutable_data<T>()[item] = static_cast<T>(best.cost / count);
  for (int64_t s = 0; s < sources; ++s) {
    const int estimate = permuted(best.permutation, static_cast<int>(s));
    const SiSnr chosen = si_snr(pair_of(sums, sources, s, estimate, length));
    result.permutation.mutable_data<int64_t>()[item * sources + s] = estimate;
    double* slopes = result.slopes.mutable_data<double>() + (item * sources + s) * 3;
    slopes[0] = chosen.of_estimate / count;
    slopes[1] = chosen.of_reference / count;
    slopes[2] = chosen.offset / count;
  }
}

template <class T>
SUNDER_SIMD void combine(const T* estimate, const T* reference, const std::array<T, 3>& slopes, T* result, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) result[i] = slopes[0] * estimate[i] + slopes[1] * reference[i] + slopes[2];
}

}  // namespace

void cpu::pit_si_snr_forward(const Tensor& references, const Tensor& estimates, PitSiSnr& result) {
  const int64_t items = references.size(0), sources = references.size(1), length = references.size(2);
  const int64_t blocks = snr_blocks(length), columns = sums_of(sources);
  std::vector<double> partial(items * blocks * columns, 0.0);
  visit_real("pit_si_snr", references.dtype(), [&]<class T>() {
    parallel_for(items * blocks, 1, [&](int64_t task, int64_t) {
      const int64_t begin = task % blocks * snr_block, offset = task / blocks * sources * length + begin;
      add_sums(references.data<T>() + offset, estimates.data<T>() + offset, sources, length,
               std::min(snr_block, length - begin), partial.data() + task * columns);
    });
    parallel_for(items, 8, [&](int64_t begin, int64_t end) {
      for (int64_t item = begin; item < end; ++item) {
        std::array<double, sums_of(pit_max_sources)> sums{};
        for (int64_t i = 0; i < blocks * columns; ++i) sums[i % columns] += partial[item * blocks * columns + i];
        choose<T>(sums.data(), item, sources, length, result);
      }
    });
  });
}

void cpu::pit_si_snr_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                              const PitSiSnr& forward, Tensor& grad_estimates) {
  const int64_t items = references.size(0), sources = references.size(1), length = references.size(2);
  const int64_t blocks = snr_blocks(length);
  visit_real("pit_si_snr", references.dtype(), [&]<class T>() {
    parallel_for(items * sources * blocks, 1, [&](int64_t task, int64_t) {
      const int64_t row = task / blocks, item = row / sources, begin = task % blocks * snr_block;
      const int64_t target = row * length + begin;
      const int64_t chosen = (item * sources + forward.permutation.data<int64_t>()[row]) * length + begin;
      std::array<T, 3> slopes;
      for (int64_t i = 0; i < 3; ++i)
        slopes[i] =
            static_cast<T>(forward.slopes.data<double>()[row * 3 + i] * static_cast<double>(grad_loss.data<T>()[item]));
      combine(estimates.data<T>() + chosen, references.data<T>() + target, slopes,
              grad_estimates.mutable_data<T>() + chosen, std::min(snr_block, length - begin));
    });
  });
}

namespace {

void check(const Tensor& references, const Tensor& estimates) {
  check_alike("pit_si_snr", {&references, &estimates});
  check_dim("pit_si_snr", "references", references, 3);
  const int64_t sources = references.size(1);
  if (sources < 1 || sources > pit_max_sources)
    throw_error("[pit_si_snr] expected references (B, S, L) of 1 to {} sources, got {}", pit_max_sources,
                describe(references));
  check_shape("pit_si_snr", "estimates", estimates, references.shape());
}

}  // namespace

PitSiSnr pit_si_snr(const Tensor& references, const Tensor& estimates) {
  check(references, estimates);
  const int64_t items = references.size(0), sources = references.size(1);
  const Stream stream = references.stream();
  PitSiSnr result{Tensor::empty({items}, references.dtype(), stream),
                  Tensor::empty({items, sources}, DType::int64, stream),
                  Tensor::empty({items, sources, 3}, DType::float64, stream)};
  SUNDER_DISPATCH(pit_si_snr_forward, references.device())(references, estimates, result);
  return result;
}

Tensor pit_si_snr_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                           const PitSiSnr& forward) {
  check(references, estimates);
  check_alike("pit_si_snr_backward", {&grad_loss, &references});
  check_shape("pit_si_snr_backward", "grad_loss", grad_loss, {references.size(0)});
  Tensor grad_estimates = Tensor::empty_like(estimates);
  SUNDER_DISPATCH(pit_si_snr_backward, references.device())
  (grad_loss, references, estimates, forward, grad_estimates);
  return grad_estimates;
}

}  // namespace sunder
