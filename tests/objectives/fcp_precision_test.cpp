// The filters' numbers: against LAPACK, and on real speech in float32, silent bands included.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "audio/file.h"
#include "nn/stft.h"
#include "objectives/fcp.h"
#include "tensor/ops/fcp_weight.h"
#include "tensor/random.h"
#include "tests/golden.h"

namespace sunder {
namespace {

constexpr FcpOptions paper{};  // 21 taps, loading 1e-6

double largest_difference(const Tensor& a, const Tensor& b) {
  const auto x = a.cast(DType::complex128).to_vector<complex128>(),
             y = b.cast(DType::complex128).to_vector<complex128>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(std::abs(x[i]))) return INFINITY;
    largest = std::max(largest, std::abs(x[i] - y[i]));
  }
  return largest;
}
double largest(const Tensor& x) { return largest_difference(x, Tensor::zeros(x.shape(), DType::complex128)); }

// Two speakers of 4 s, their mixture at two microphones through decaying noise, and estimates that hold a tenth of the
// other speaker, as a trained network's would.
struct Scene {
  Tensor estimates, mixtures;  // (1, 2, T, 129), complex128 of float32 values

  Scene() {
    constexpr int64_t length = 32000, taps = 2400;
    const auto folder = shared_folder() / "data/sentences";
    std::vector<std::vector<double>> speakers;
    for (const char* name : {"ls-198/198-126831-0000.flac", "ls-831/831-130739-0000.flac"}) {
      const Audio audio = read_mono(folder / name);
      std::vector<double> samples(audio.samples.begin(), audio.samples.begin() + std::min(length, audio.frames));
      samples.resize(length, 0);
      speakers.push_back(samples);
    }
    const Tensor dry = Tensor::zeros({1, 2, length}, DType::float64), wet = Tensor::zeros_like(dry);
    Random random(11, RandomUse::test);
    for (int64_t s = 0; s < 2; ++s)
      for (int64_t i = 0; i < length; ++i)
        dry.mutable_data<double>()[s * length + i] = speakers[s][i] + 0.1 * speakers[1 - s][i];
    for (int64_t m = 0; m < 2; ++m)
      for (int64_t s = 0; s < 2; ++s)
        for (int64_t k = 0; k < taps; k += 7) {  // a sparse tail is enough, and quick
          const double gain = std::exp(-6.9 * static_cast<double>(k) / taps) * random.normal();
          for (int64_t i = k; i < length; ++i) wet.mutable_data<double>()[m * length + i] += gain * speakers[s][i - k];
        }
    const Stft stft({.n_fft = 256, .hop_length = 64, .window = "sqrt_hann"}, DType::float64);
    const auto as_float32 = [&](const Tensor& signal) {
      return stft.forward(signal).cast(DType::complex64).cast(DType::complex128);
    };
    estimates = as_float32(dry);
    mixtures = as_float32(wet);
  }
};

void clear_bins(const Tensor& spectra, int64_t first) {
  const int64_t bins = spectra.size(-1);
  for (int64_t i = 0; i < spectra.numel(); ++i)
    if (i % bins >= first) spectra.mutable_data<complex128>()[i] = 0;
}

struct Outcome {
  Tensor images, gradient;
  int64_t failures = 0;
};

// The gradient is that of sum |image|^2 / 2: the cotangent is the float64 image, rounded.
Outcome run(const Scene& scene, DType dtype, const Tensor& cotangent = {}) {
  const Variable estimates(scene.estimates.cast(dtype), true);
  const Tensor failures = Tensor::zeros({1}, DType::int64);
  const Variable images = far_field_images(estimates, scene.mixtures.cast(dtype), paper, fcp_weight_xi, failures);
  backward({images}, {(cotangent.defined() ? cotangent : images.value()).cast(dtype)});
  return {images.value(), estimates.grad(), static_cast<int64_t>(failures.item())};
}

void expect_float32_rounds_once(const Scene& scene, int64_t failures) {
  const Outcome exact = run(scene, DType::complex128), rounded = run(scene, DType::complex64, exact.images);
  EXPECT_EQ(exact.failures, failures);
  EXPECT_EQ(rounded.failures, failures);
  const double images = largest_difference(rounded.images, exact.images) / largest(exact.images);
  const double gradient = largest_difference(rounded.gradient, exact.gradient) / largest(exact.gradient);
  testing::Test::RecordProperty("images", fmt::format("{:.1e}", images));
  testing::Test::RecordProperty("gradient", fmt::format("{:.1e}", gradient));
  EXPECT_LT(images, 5e-7) << "the weights are float32";
  EXPECT_LT(gradient, 1e-6);
}

TEST(FcpPrecision, Float32OnSpeechIsRoundedFloat64) {
  SUNDER_NEEDS_SHARED("data/sentences/ls-198/198-126831-0000.flac");
  expect_float32_rounds_once(Scene(), 0);
}

TEST(FcpPrecision, SilentBandsHaveNoFilter) {
  SUNDER_NEEDS_SHARED("data/sentences/ls-198/198-126831-0000.flac");
  Scene scene;
  clear_bins(scene.estimates, 100);  // 29 bins of both speakers
  expect_float32_rounds_once(scene, 2 * 29);
  clear_bins(scene.mixtures, 90);  // with mixtures alone silent the filter is zero and nothing fails
  expect_float32_rounds_once(scene, 2 * 29);
  const Outcome outcome = run(scene, DType::complex64);
  for (const Tensor& x : {outcome.images, outcome.gradient}) {
    const auto values = x.to_vector<complex64>();
    for (size_t i = 0; i < values.size(); ++i) {
      if (i % 129 < 90) continue;
      ASSERT_EQ(values[i], complex64(0)) << "bin " << i % 129;
    }
  }
}

// LAPACK's zposv on Gram matrices summed in Sum; the rest is float64. Returns filters (2, 129, K) of microphone 0.
template <class Sum>
std::vector<complex128> lapack_filters(const Scene& scene, const Tensor& weights) {
  void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  auto* zposv = reinterpret_cast<void (*)(const char*, const int*, const int*, complex128*, const int*, complex128*,
                                          const int*, int*)>(library ? dlsym(library, "zposv_") : nullptr);
  if (!zposv) throw_error("no zposv in libopenblas.so.0");
  const int64_t frames = scene.estimates.size(2), bins = scene.estimates.size(3), taps = paper.taps();
  const complex128 *y = scene.mixtures.data<complex128>(), *all = scene.estimates.data<complex128>();
  std::vector<complex128> filters;
  for (int64_t s = 0; s < 2; ++s)
    for (int64_t f = 0; f < bins; ++f) {
      const auto z = [&](int64_t t) -> complex128 {
        return t < 0 || t >= frames ? 0 : all[(s * frames + t) * bins + f];
      };
      std::vector<std::complex<Sum>> gram(taps * taps);
      std::vector<complex128> a(taps * taps), b(taps);
      double trace = 0;
      for (int64_t t = 0; t < frames; ++t) {
        const double weight = 1 / weights.data<double>()[t * bins + f];
        for (int64_t i = 0; i < taps; ++i) {
          const complex128 weighted = weight * z(t - paper.past + i);
          for (int64_t j = 0; j <= i; ++j)
            gram[j * taps + i] += std::complex<Sum>(weighted * std::conj(z(t - paper.past + j)));
          b[i] += weighted * std::conj(y[t * bins + f]);
        }
      }
      for (int64_t i = 0; i < taps * taps; ++i) a[i] = gram[i];
      for (int64_t i = 0; i < taps; ++i) trace += a[i * (taps + 1)].real();
      for (int64_t i = 0; i < taps; ++i) a[i * (taps + 1)] += paper.loading * trace / static_cast<double>(taps);
      const int n = static_cast<int>(taps), one = 1;
      int info = -1;
      zposv("L", &n, &one, a.data(), &n, b.data(), &n, &info);
      if (info != 0) throw_error("zposv: {}", info);
      filters.insert(filters.end(), b.begin(), b.end());
    }
  return filters;
}

// The largest error of a filter, relative to its norm.
double distance(const std::vector<complex128>& a, const std::vector<complex128>& b) {
  const auto taps = static_cast<size_t>(paper.taps());
  double worst = 0;
  for (size_t first = 0; first < a.size(); first += taps) {
    double difference = 0, size = 0;
    for (size_t i = first; i < first + taps; ++i) {
      difference += std::norm(a[i] - b[i]);
      size += std::norm(b[i]);
    }
    worst = std::max(worst, std::sqrt(difference / size));
  }
  return worst;
}

// And why sums are float64: matrices summed in float32 move LAPACK's filters by more than the loading is for.
TEST(FcpPrecision, FiltersAreLapacksAndFloat32SumsAreNot) {
  SUNDER_NEEDS_SHARED("data/sentences/ls-198/198-126831-0000.flac");
  const Scene scene;
  const Tensor weights = fcp_weight(scene.mixtures, 1);
  const Tensor filters = fcp(scene.estimates, scene.mixtures, weights, paper).filters;  // (1, 2, 2, F, K)
  const auto ours = filters.reshape({2, -1}).slice(0, 1).to_vector<complex128>();
  const auto exact = lapack_filters<double>(scene, weights);
  const double own = distance(ours, exact), single = distance(lapack_filters<float>(scene, weights), exact);
  RecordProperty("own", fmt::format("{:.1e}", own));
  RecordProperty("float32_sums", fmt::format("{:.1e}", single));
  EXPECT_LT(own, 1e-9);
  EXPECT_GT(single, 1e-4);
}

}  // namespace
}  // namespace sunder
