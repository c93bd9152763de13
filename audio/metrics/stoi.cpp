#include "audio/metrics/stoi.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "audio/metrics/kaiser_resampler.h"
#include "audio/metrics/peak.h"
#include "audio/metrics/third_octaves.h"
#include "tensor/error.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t segment = 30;     // frames, 384 ms: Taal et al. 2011
constexpr double lowest_sdr = -15;  // dB, where estimates are clipped: the same

constexpr double eps = std::numeric_limits<double>::epsilon();  // against 0 / 0
constexpr int64_t lanes = third_octave_padding;                 // segments side by side
constexpr int64_t bands = third_octave_bands;

// Writes x minus its mean over `segment` frames to rows[n][lane], for `lanes` segments that start one frame apart;
// norms: of the result.
SUNDER_INLINE void centre(const double* x, double* rows, double* norms) {
  double mean[lanes] = {}, squares[lanes] = {};
  for (int64_t n = 0; n < segment; ++n)
#pragma omp simd simdlen(lanes)
    for (int64_t l = 0; l < lanes; ++l) mean[l] += x[n + l] * (1. / segment);
  for (int64_t n = 0; n < segment; ++n)
#pragma omp simd simdlen(lanes)
    for (int64_t l = 0; l < lanes; ++l) {
      const double rest = x[n + l] - mean[l];
      rows[n * lanes + l] = rest;
      squares[l] += rest * rest;
    }
  for (int64_t l = 0; l < lanes; ++l) norms[l] = std::sqrt(squares[l]);
}

// Taal et al. 2011: the estimate's band is scaled to the reference's energy and clipped, then correlated.
SUNDER_SIMD void classic_segments(const double* reference, const double* estimate, int64_t stride, double highest,
                                  double* scores) {
  double x[segment * lanes], y[segment * lanes], sums[lanes] = {};
  for (int64_t j = 0; j < bands; ++j, reference += stride, estimate += stride) {
    double of_x[lanes] = {}, of_y[lanes] = {}, product[lanes] = {};
    for (int64_t n = 0; n < segment; ++n)
#pragma omp simd simdlen(lanes)
      for (int64_t l = 0; l < lanes; ++l) {
        of_x[l] += reference[n + l] * reference[n + l];
        of_y[l] += estimate[n + l] * estimate[n + l];
      }
    double scale[lanes], mean[lanes] = {}, squares[lanes] = {};
    for (int64_t l = 0; l < lanes; ++l) scale[l] = std::sqrt(of_x[l]) / (std::sqrt(of_y[l]) + eps);
    for (int64_t n = 0; n < segment; ++n)
#pragma omp simd simdlen(lanes)
      for (int64_t l = 0; l < lanes; ++l) {
        y[n * lanes + l] = std::min(scale[l] * estimate[n + l], highest * reference[n + l]);
        mean[l] += y[n * lanes + l] * (1. / segment);
      }
    centre(reference, x, of_x);
    for (int64_t n = 0; n < segment; ++n)
#pragma omp simd simdlen(lanes)
      for (int64_t l = 0; l < lanes; ++l) {
        const double rest = y[n * lanes + l] - mean[l];
        squares[l] += rest * rest;
        product[l] += rest * x[n * lanes + l];
      }
    for (int64_t l = 0; l < lanes; ++l) sums[l] += product[l] / ((of_x[l] + eps) * (std::sqrt(squares[l]) + eps));
  }
  for (int64_t l = 0; l < lanes; ++l) scores[l] = sums[l] / bands;
}

// Jensen and Taal 2016: bands are normalised over time, then frames over bands, then correlated.
SUNDER_SIMD void extended_segments(const double* reference, const double* estimate, int64_t stride, double* scores) {
  double x[bands * segment * lanes], y[bands * segment * lanes], sums[lanes] = {};
  for (int64_t j = 0; j < bands; ++j) {
    double of_x[lanes], of_y[lanes];
    double *row_x = x + j * segment * lanes, *row_y = y + j * segment * lanes;
    centre(reference + j * stride, row_x, of_x);
    centre(estimate + j * stride, row_y, of_y);
    for (int64_t l = 0; l < lanes; ++l) {
      of_x[l] = 1 / (of_x[l] + eps);
      of_y[l] = 1 / (of_y[l] + eps);
    }
    for (int64_t n = 0; n < segment; ++n)
#pragma omp simd simdlen(lanes)
      for (int64_t l = 0; l < lanes; ++l) {
        row_x[n * lanes + l] *= of_x[l];
        row_y[n * lanes + l] *= of_y[l];
      }
  }
  for (int64_t n = 0; n < segment; ++n) {
    double mean_x[lanes] = {}, mean_y[lanes] = {}, of_x[lanes] = {}, of_y[lanes] = {}, product[lanes] = {};
    for (int64_t j = 0; j < bands; ++j)
#pragma omp simd simdlen(lanes)
      for (int64_t l = 0; l < lanes; ++l) {
        mean_x[l] += x[(j * segment + n) * lanes + l] * (1. / bands);
        mean_y[l] += y[(j * segment + n) * lanes + l] * (1. / bands);
      }
    for (int64_t j = 0; j < bands; ++j)
#pragma omp simd simdlen(lanes)
      for (int64_t l = 0; l < lanes; ++l) {
        const double a = x[(j * segment + n) * lanes + l] - mean_x[l], b = y[(j * segment + n) * lanes + l] - mean_y[l];
        of_x[l] += a * a;
        of_y[l] += b * b;
        product[l] += a * b;
      }
    for (int64_t l = 0; l < lanes; ++l)
      sums[l] += product[l] / ((std::sqrt(of_x[l]) + eps) * (std::sqrt(of_y[l]) + eps));
  }
  for (int64_t l = 0; l < lanes; ++l) scores[l] = sums[l] / segment;
}

double mean_over_segments(const ThirdOctavePair& speech, StoiKind kind) {
  const int64_t segments = speech.reference.frames - segment + 1, stride = speech.reference.stride();
  const double highest = 1 + std::pow(10, -lowest_sdr / 20);
  double sum = 0;
  for (int64_t first = 0; first < segments; first += lanes) {
    double scores[lanes];
    const double *x = speech.reference.values.data() + first, *y = speech.estimate.values.data() + first;
    if (kind == StoiKind::classic) classic_segments(x, y, stride, highest, scores);
    else extended_segments(x, y, stride, scores);
    for (int64_t l = 0; l < std::min(lanes, segments - first); ++l) sum += scores[l];
  }
  return sum / static_cast<double>(segments);
}

}  // namespace

StoiScores stoi_scores(std::span<const double> reference, std::span<const double> estimate, int sample_rate,
                       bool classic, bool extended) {
  if (reference.size() != estimate.size())
    throw_error("[stoi] expected an estimate of {} samples, got {}", reference.size(), estimate.size());
  const KaiserResampler resample(sample_rate, third_octave_rate);
  const double peak = finite_peak("stoi", "a reference", reference);
  const double peak_of_estimate = finite_peak("stoi", "an estimate", estimate);
  const auto both = [](const char* missing) { return StoiScores{{{}, missing}, {{}, missing}}; };
  if (peak == 0) return both("the reference is silent");
  if (peak_of_estimate == 0) return both("the estimate is silent");
  // With peaks of 1 eps has the same effect at every level.
  const ThirdOctavePair speech = third_octaves_of_speech(resample(reference, gain_to_unit_peak(peak)),
                                                         resample(estimate, gain_to_unit_peak(peak_of_estimate)));
  if (speech.reference.frames < segment) return both("fewer than 30 frames of speech (0.4 s)");
  StoiScores scores = both("not asked for");
  if (classic) scores.classic = {mean_over_segments(speech, StoiKind::classic), nullptr};
  if (extended) scores.extended = {mean_over_segments(speech, StoiKind::extended), nullptr};
  return scores;
}

Score stoi(std::span<const double> reference, std::span<const double> estimate, int sample_rate, StoiKind kind) {
  const bool classic = kind == StoiKind::classic;
  const StoiScores scores = stoi_scores(reference, estimate, sample_rate, classic, !classic);
  return classic ? scores.classic : scores.extended;
}

}  // namespace sunder
