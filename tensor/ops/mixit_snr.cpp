#include "tensor/ops/mixit_snr.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tensor/ops/mixit_snr_search.h"
#include "tensor/ops/snr_cpu.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t max_gram = 2 * mixit_max_signals;

SUNDER_SIMD void add_products(const double* signals, int64_t count, int64_t n, double* gram) {
  add_pair_sums(signals, count, signals, count, /*upper=*/true, n, gram, [](double a, double b) { return a * b; });
}

// Adds the products of n samples to the (M + S)^2 Gram matrix, mixtures first, rows <= columns; every signal is read
// once.
template <class T>
void gram_block(const T* mixtures, int64_t count, const T* estimates, int64_t sources, int64_t length, int64_t n,
                double* gram) {
  std::array<double, max_gram * snr_tile> signals;
  for (int64_t begin = 0; begin < n; begin += snr_tile) {
    const int64_t samples = std::min(snr_tile, n - begin);
    widen_rows(mixtures + begin, count, length, samples, signals.data());
    widen_rows(estimates + begin, sources, length, samples, signals.data() + count * snr_tile);
    add_products(signals.data(), count + sources, samples, gram);
  }
}

// residual = the sum of the estimates assigned to mixture `wanted`, minus that mixture.
template <class T>
SUNDER_SIMD void residual_of(const T* mixture, const T* estimates, const int64_t* mixture_of, int64_t wanted,
                             int64_t sources, int64_t length, int64_t n, T* residual) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) residual[i] = -mixture[i];
  for (int64_t s = 0; s < sources; ++s) {
    if (mixture_of[s] != wanted) continue;
    const T* estimate = estimates + s * length;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) residual[i] += estimate[i];
  }
}

template <class T>
SUNDER_SIMD void scale_into(const T* residual, T scale, T* result, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) result[i] = scale * residual[i];
}

// Sums the items' blocks in order; `partial` is (items * blocks, columns).
void add_blocks(const std::vector<double>& partial, int64_t item, int64_t blocks, int64_t columns, double* sums) {
  std::fill(sums, sums + columns, 0.0);
  for (int64_t i = 0; i < blocks * columns; ++i) sums[i % columns] += partial[item * blocks * columns + i];
}

}  // namespace

void cpu::mixit_snr_forward(const Tensor& mixtures, const Tensor& estimates, double tau, MixitSnr& result) {
  const int64_t items = mixtures.size(0), count = mixtures.size(1), length = mixtures.size(2);
  const int64_t sources = estimates.size(1), blocks = snr_blocks(length),
                columns = (count + sources) * (count + sources);
  int64_t* mixture_of = result.mixture_of.mutable_data<int64_t>();
  double* slope = result.slope.mutable_data<double>();
  std::vector<double> gram(items * blocks * columns), residual(items * blocks * count), energy(items * count);
  visit_real("mixit_snr", mixtures.dtype(), [&]<class T>() {
    const T *x = mixtures.data<T>(), *e = estimates.data<T>();
    parallel_for(items * blocks, 1, [&](int64_t task, int64_t) {
      const int64_t item = task / blocks, begin = task % blocks * snr_block;
      gram_block(x + item * count * length + begin, count, e + item * sources * length + begin, sources, length,
                 std::min(snr_block, length - begin), gram.data() + task * columns);
    });
    parallel_for(items, 1, [&](int64_t item, int64_t) {
      std::array<double, max_gram * max_gram> sums;
      add_blocks(gram, item, blocks, columns, sums.data());
      const MixitSearch search(sums.data(), count, sources, tau);
      result.assignment.mutable_data<int64_t>()[item] = search.best();
      for (int64_t s = 0; s < sources; ++s) mixture_of[item * sources + s] = search.mixture_of(s);
      for (int64_t m = 0; m < count; ++m) energy[item * count + m] = sums[m * (count + sources) + m];
    });
    parallel_for(items * blocks, 1, [&](int64_t task, int64_t) {
      const int64_t item = task / blocks, begin = task % blocks * snr_block;
      const int64_t n = std::min(snr_block, length - begin);
      std::array<T, snr_block> difference;
      for (int64_t m = 0; m < count; ++m) {
        residual_of(x + (item * count + m) * length + begin, e + item * sources * length + begin,
                    mixture_of + item * sources, m, sources, length, n, difference.data());
        residual[task * count + m] = sum_of_squares(difference.data(), n);
      }
    });
    parallel_for(items, 8, [&](int64_t first, int64_t last) {
      for (int64_t item = first; item < last; ++item) {
        std::array<double, mixit_max_signals> sums;
        add_blocks(residual, item, blocks, count, sums.data());
        double loss = 0;
        for (int64_t m = 0; m < count; ++m) {
          loss += snr_loss(energy[item * count + m], sums[m], tau);
          slope[item * count + m] = snr_slope(energy[item * count + m], sums[m], tau) / static_cast<double>(count);
        }
        result.loss.mutable_data<T>()[item] = static_cast<T>(loss / static_cast<double>(count));
      }
    });
  });
}

void cpu::mixit_snr_backward(const Tensor& grad_loss, const Tensor& mixtures, const Tensor& estimates,
                             const Tensor& mixture_of, const Tensor& slope, Tensor& grad_estimates) {
  const int64_t items = mixtures.size(0), count = mixtures.size(1), length = mixtures.size(2);
  const int64_t sources = estimates.size(1), blocks = snr_blocks(length);
  visit_real("mixit_snr", mixtures.dtype(), [&]<class T>() {
    parallel_for(items * blocks, 1, [&](int64_t task, int64_t) {
      const int64_t item = task / blocks, begin = task % blocks * snr_block;
      const int64_t n = std::min(snr_block, length - begin), offset = item * sources * length + begin;
      const int64_t* given_to = mixture_of.data<int64_t>() + item * sources;
      std::array<T, snr_block> difference;
      for (int64_t m = 0; m < count; ++m) {
        residual_of(mixtures.data<T>() + (item * count + m) * length + begin, estimates.data<T>() + offset, given_to, m,
                    sources, length, n, difference.data());
        const double scale =
            2 * slope.data<double>()[item * count + m] * static_cast<double>(grad_loss.data<T>()[item]);
        for (int64_t s = 0; s < sources; ++s)
          if (given_to[s] == m)
            scale_into(difference.data(), static_cast<T>(scale), grad_estimates.mutable_data<T>() + offset + s * length,
                       n);
      }
    });
  });
}

namespace {

void check(const Tensor& mixtures, const Tensor& estimates) {
  check_alike("mixit_snr", {&mixtures, &estimates});
  check_dim("mixit_snr", "mixtures", mixtures, 3);
  check_shape("mixit_snr", "estimates", estimates, {mixtures.size(0), -1, mixtures.size(2)});
  const int64_t count = mixtures.size(1), sources = estimates.size(1);
  bool fits = count >= 1 && count <= mixit_max_signals && sources >= 1 && sources <= mixit_max_signals;
  for (int64_t s = 0, assignments = 1; fits && s < sources; ++s) fits = (assignments *= count) <= mixit_max_assignments;
  if (!fits)
    throw_error(
        "[mixit_snr] expected 1 to {} mixtures and estimates with at most {} assignments, got {} mixtures and {} "
        "estimates",
        mixit_max_signals, mixit_max_assignments, count, sources);
}

}  // namespace

MixitSnr mixit_snr(const Tensor& mixtures, const Tensor& estimates, double snr_max_db) {
  check(mixtures, estimates);
  const int64_t items = mixtures.size(0);
  const Stream stream = mixtures.stream();
  MixitSnr result{Tensor::empty({items}, mixtures.dtype(), stream), Tensor::empty({items}, DType::int64, stream),
                  Tensor::empty({items, estimates.size(1)}, DType::int64, stream),
                  Tensor::empty({items, mixtures.size(1)}, DType::float64, stream)};
  SUNDER_DISPATCH(mixit_snr_forward, mixtures.device())(mixtures, estimates, snr_tau(snr_max_db), result);
  return result;
}

Tensor mixit_snr_backward(const Tensor& grad_loss, const Tensor& mixtures, const Tensor& estimates,
                          const Tensor& mixture_of, const Tensor& slope) {
  check(mixtures, estimates);
  check_alike("mixit_snr_backward", {&grad_loss, &mixtures});
  check_shape("mixit_snr_backward", "grad_loss", grad_loss, {mixtures.size(0)});
  Tensor grad_estimates = Tensor::empty_like(estimates);
  SUNDER_DISPATCH(mixit_snr_backward, mixtures.device())
  (grad_loss, mixtures, estimates, mixture_of, slope, grad_estimates);
  return grad_estimates;
}

}  // namespace sunder
