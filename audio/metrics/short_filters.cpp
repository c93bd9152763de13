#include "audio/metrics/short_filters.h"

#include <algorithm>
#include <bit>

#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t together = 8;  // blocks in one call: the SIMD lanes of the transform (tensor/fft_lanes.cpp)

// sums += conj(a) b, of complex numbers as pairs.
SUNDER_SIMD void add_conjugate_products(const double* a, const double* b, int64_t count, double* sums) {
#pragma omp simd
  for (int64_t k = 0; k < count; ++k) {
    sums[2 * k] += a[2 * k] * b[2 * k] + a[2 * k + 1] * b[2 * k + 1];
    sums[2 * k + 1] += a[2 * k] * b[2 * k + 1] - a[2 * k + 1] * b[2 * k];
  }
}

SUNDER_SIMD void add_products(const double* a, const double* b, int64_t count, double* sums) {
#pragma omp simd
  for (int64_t k = 0; k < count; ++k) {
    sums[2 * k] += a[2 * k] * b[2 * k] - a[2 * k + 1] * b[2 * k + 1];
    sums[2 * k + 1] += a[2 * k] * b[2 * k + 1] + a[2 * k + 1] * b[2 * k];
  }
}

// result[k] = x[k] + (-1)^k before[k]
SUNDER_SIMD void join(const double* x, const double* before, int64_t count, double* result) {
#pragma omp simd
  for (int64_t k = 0; k < count; ++k) {
    const double sign = k % 2 == 0 ? 1.0 : -1.0;
    result[2 * k] = x[2 * k] + sign * before[2 * k];
    result[2 * k + 1] = x[2 * k + 1] + sign * before[2 * k + 1];
  }
}

SUNDER_SIMD double energy(const double* x, int64_t count) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) sum += x[i] * x[i];
  return sum;
}

SUNDER_SIMD double distance(const double* x, const double* y, int64_t count) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return sum;
}

double* parts(std::vector<std::complex<double>>& spectra, int64_t at) {
  return reinterpret_cast<double*>(spectra.data() + at);
}

}  // namespace

ShortFilters::ShortFilters(int64_t filter_length)
    : filter_length_(filter_length),
      block_(std::max<int64_t>(2, static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(filter_length))))),
      fft_(real_fft<double>(2 * block_)),
      ones_(2 * block_, 1.0),
      first_(2 * block_, 0.0),
      first_inverse_(2 * block_, 0.0),
      second_inverse_(2 * block_, 0.0) {
  std::fill_n(first_.begin(), block_, 1.0);
  std::fill_n(first_inverse_.begin(), block_, 0.5 / static_cast<double>(block_));
  std::fill_n(second_inverse_.begin() + block_, block_, 0.5 / static_cast<double>(block_));
}

BlockedSignal ShortFilters::blocked(std::span<const double> signal, double gain) const {
  const auto length = static_cast<int64_t>(signal.size());
  BlockedSignal result{std::vector<double>((blocks_of(length + filter_length_ - 1) + 2) * block_, 0.0), length};
  std::transform(signal.begin(), signal.end(), result.samples.begin() + block_, [gain](double x) { return gain * x; });
  return result;
}

// With X_b the spectrum of block b with a block of zeros behind it, a block and the one before it (shifted by a block,
// which negates odd bins) have the spectrum U_b = X_b + (-1)^k X_(b-1). The products of block b of e with s, delayed by
// less than a block, are the first half of the inverse of conj(U_b of s) X_b of e; the sum over b comes first.
Correlations ShortFilters::correlate(const std::vector<BlockedSignal>& references,
                                     const std::vector<BlockedSignal>& estimates) const {
  const auto S = static_cast<int64_t>(references.size()), K = static_cast<int64_t>(estimates.size());
  const int64_t bins = fft_->bins(), blocks = blocks_of(references[0].length);
  std::vector<Spectra> spectra(S + K, Spectra((together + 1) * bins));  // the first row: of the block before
  Spectra joined(bins), sums(S * (S + K) * bins);
  for (int64_t first = 0; first < blocks; first += together) {
    const int64_t count = std::min(together, blocks - first);
    for (int64_t i = 0; i < S + K; ++i) {
      std::copy_n(spectra[i].begin() + together * bins, bins, spectra[i].begin());
      const BlockedSignal& signal = i < S ? references[i] : estimates[i - S];
      fft_->forward(signal.samples.data() + (first + 1) * block_, block_, count, first_.data(), 1,
                    spectra[i].data() + bins);
    }
    for (int64_t b = 1; b <= count; ++b) {
      for (int64_t a = 0; a < S; ++a) {
        join(parts(spectra[a], b * bins), parts(spectra[a], (b - 1) * bins), bins, parts(joined, 0));
        for (int64_t i = 0; i < S + K; ++i)
          add_conjugate_products(parts(joined, 0), parts(spectra[i], b * bins), bins,
                                 parts(sums, (a * (S + K) + i) * bins));
      }
    }
  }
  std::vector<double> products(S * (S + K) * 2 * block_);
  fft_->inverse(sums.data(), S * (S + K), first_inverse_.data(), 1, products.data());
  Correlations result;
  for (int64_t a = 0; a < S; ++a) {
    for (int64_t i = 0; i < S + K; ++i) {
      const double* from = products.data() + (a * (S + K) + i) * 2 * block_;
      std::vector<double>& to = i < S ? result.references : result.estimates;
      to.insert(to.end(), from, from + filter_length_);
    }
  }
  return result;
}

ShortFilters::Spectra ShortFilters::spectra_of_filters(std::span<const double> filters) const {
  const auto count = static_cast<int64_t>(filters.size()) / filter_length_;
  std::vector<double> padded(2 * block_ * count, 0.0);
  for (int64_t f = 0; f < count; ++f)
    std::copy_n(filters.begin() + f * filter_length_, filter_length_, padded.begin() + f * 2 * block_);
  Spectra spectra(count * fft_->bins());
  fft_->forward(padded.data(), 2 * block_, count, ones_.data(), 1, spectra.data());
  return spectra;
}

// Circular convolution of a block and the one before it: the second half is free of wrap-around.
std::vector<FilteredEnergies> ShortFilters::energies(const std::vector<BlockedSignal>& references,
                                                     const BlockedSignal& estimate, std::span<const double> own,
                                                     std::span<const double> joint) const {
  const auto S = static_cast<int64_t>(references.size());
  const int64_t bins = fft_->bins(), blocks = blocks_of(estimate.length + filter_length_ - 1), frame = 2 * block_;
  Spectra own_filters = spectra_of_filters(own), joint_filters = spectra_of_filters(joint);
  Spectra spectra(together * bins), filtered(together * bins), sums(together * bins);
  std::vector<std::vector<double>> targets(S, std::vector<double>(together * frame));
  std::vector<double> all(together * frame);
  std::vector<FilteredEnergies> result(S);
  for (int64_t first = 0; first < blocks; first += together) {
    const int64_t count = std::min(together, blocks - first);
    std::fill(sums.begin(), sums.end(), 0.0);
    for (int64_t i = 0; i < S; ++i) {
      fft_->forward(references[i].samples.data() + first * block_, block_, count, ones_.data(), 1, spectra.data());
      std::fill(filtered.begin(), filtered.end(), 0.0);
      for (int64_t b = 0; b < count; ++b) {
        add_products(parts(spectra, b * bins), parts(own_filters, i * bins), bins, parts(filtered, b * bins));
        if (!joint.empty())
          add_products(parts(spectra, b * bins), parts(joint_filters, i * bins), bins, parts(sums, b * bins));
      }
      fft_->inverse(filtered.data(), count, second_inverse_.data(), 1, targets[i].data());
    }
    if (!joint.empty()) fft_->inverse(sums.data(), count, second_inverse_.data(), 1, all.data());
    for (int64_t i = 0; i < S; ++i) {
      for (int64_t b = 0; b < count; ++b) {
        const double *e = estimate.samples.data() + (first + b + 1) * block_, *z = all.data() + b * frame + block_;
        const double* y = targets[i].data() + b * frame + block_;
        result[i].target += energy(y, block_);
        result[i].rest += distance(e, y, block_);
        if (joint.empty()) continue;
        result[i].interference += distance(z, y, block_);
        result[i].joint += energy(z, block_);
        result[i].artifacts += distance(e, z, block_);
      }
    }
  }
  return result;
}

}  // namespace sunder
