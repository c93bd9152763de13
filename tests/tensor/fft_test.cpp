#include "tensor/fft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <thread>
#include <vector>

#include "tensor/error.h"
#include "tensor/random.h"

namespace sunder {
namespace {

using Wide = std::complex<long double>;
constexpr int64_t count = 19, stride = 3;  // more frames than lanes, and not a multiple

// Error relative to the largest value, in units of the type's epsilon. Measured: below 3 up to 4096.
constexpr double fft_error_epsilons = 8;

template <class T>
std::vector<T> noise(int64_t size, uint64_t which) {
  std::vector<T> values(size);
  Random random(2, RandomUse::test, 0, which);
  for (T& value : values) value = static_cast<T>(random.uniform(-1, 1));
  return values;
}

// e^(2 pi i j / size) for all j.
std::vector<Wide> turns(int64_t size) {
  std::vector<Wide> result;
  for (int64_t j = 0; j < size; ++j)
    result.push_back(std::polar(1.0L, 2 * std::numbers::pi_v<long double> * static_cast<long double>(j) / size));
  return result;
}

bool is_real_bin(int64_t k, int64_t size) { return k == 0 || 2 * k == size; }

template <class T>
void expect_near(const std::vector<T>& got, const std::vector<long double>& want, const std::string& what) {
  long double error = 0, largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    error = std::max(error, std::abs(got[i] - want[i]));
    largest = std::max(largest, std::abs(want[i]));
  }
  EXPECT_LE(error, fft_error_epsilons * std::numeric_limits<T>::epsilon() * largest) << what;
}

template <class T>
void expect_forward_equals_definition(const RealFft<T>& fft) {
  const int64_t size = fft.size(), bins = fft.bins();
  const auto samples = noise<T>((count - 1) * stride + size, 1), window = noise<T>(size, 2);
  const std::vector<Wide> turn = turns(size);
  std::vector<std::complex<T>> spectra(count * bins);
  fft.forward(samples.data(), stride, count, window.data(), T(2), spectra.data());
  std::vector<T> got;
  std::vector<long double> want;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t k = 0; k < bins; ++k) {
      Wide sum = 0;
      for (int64_t n = 0; n < size; ++n)
        sum += static_cast<long double>(window[n]) * samples[r * stride + n] * std::conj(turn[k * n % size]);
      if (!is_real_bin(k, size)) sum *= 2;
      got.insert(got.end(), {spectra[r * bins + k].real(), spectra[r * bins + k].imag()});
      want.insert(want.end(), {sum.real(), is_real_bin(k, size) ? 0 : sum.imag()});
      if (is_real_bin(k, size)) {
        EXPECT_EQ(got.back(), 0) << "imaginary part of bin " << k << " of " << size;
      }
    }
  expect_near(got, want, "forward " + std::to_string(size));
}

template <class T>
void expect_inverse_equals_definition(const RealFft<T>& fft) {
  const int64_t size = fft.size(), bins = fft.bins();
  const auto parts = noise<T>(2 * count * bins, 3), window = noise<T>(size, 4);
  const auto* spectra = reinterpret_cast<const std::complex<T>*>(parts.data());
  const std::vector<Wide> turn = turns(size);
  std::vector<T> got(count * size);
  fft.inverse(spectra, count, window.data(), T(0.5), got.data());
  std::vector<long double> want;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t n = 0; n < size; ++n) {
      long double sum = 0;
      for (int64_t k = 0; k < bins; ++k) {
        Wide value = Wide(spectra[r * bins + k]);
        if (is_real_bin(k, size)) value = value.real();  // inner bins count twice, times the 0.5 given
        sum += (value * turn[k * n % size]).real();
      }
      want.push_back(window[n] * sum);
    }
  expect_near(got, want, "inverse " + std::to_string(size));
}

template <class T>
class FftTest : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(FftTest, Reals);

TYPED_TEST(FftTest, LanesEqualTheDefinition) {
  for (int64_t size = 4; size <= 1024; size *= 2) {
    expect_forward_equals_definition(*make_lane_fft<TypeParam>(size));
    expect_inverse_equals_definition(*make_lane_fft<TypeParam>(size));
  }
}

TYPED_TEST(FftTest, AnySizeEqualsTheDefinition) {
  for (int64_t size : {1, 2, 3, 4, 5, 7, 12, 15, 16, 37, 60, 77, 100, 400}) {
    expect_forward_equals_definition(*real_fft<TypeParam>(size));
    expect_inverse_equals_definition(*make_any_fft<TypeParam>(size));
  }
}

TYPED_TEST(FftTest, LargeSizesAgreeWithEachOther) {
  for (int64_t size : {2048, 4096, 16384}) {
    const auto samples = noise<TypeParam>(size, 5);
    const std::vector<double> wide(samples.begin(), samples.end()), wide_ones(size, 1);
    const std::vector<TypeParam> ones(size, 1);
    std::vector<std::complex<TypeParam>> lanes(size / 2 + 1);
    std::vector<std::complex<double>> any(size / 2 + 1);
    make_lane_fft<TypeParam>(size)->forward(samples.data(), size, 1, ones.data(), 1, lanes.data());
    make_any_fft<double>(size)->forward(wide.data(), size, 1, wide_ones.data(), 1, any.data());
    std::vector<TypeParam> got;
    std::vector<long double> want;
    for (size_t k = 0; k < any.size(); ++k) {
      got.insert(got.end(), {lanes[k].real(), lanes[k].imag()});
      want.insert(want.end(), {any[k].real(), any[k].imag()});
    }
    expect_near(got, want, std::to_string(size));
  }
}

// A frame's spectrum must not depend on what stands in the other lanes, or results would change with the batch.
TYPED_TEST(FftTest, EveryFrameIsTransformedOnItsOwn) {
  constexpr int64_t size = 64, frames = 35;
  const auto fft = real_fft<TypeParam>(size);
  const auto samples = noise<TypeParam>(frames * size, 6), window = noise<TypeParam>(size, 7);
  std::vector<std::complex<TypeParam>> together(frames * fft->bins()), alone(fft->bins());
  fft->forward(samples.data(), size, frames, window.data(), 1, together.data());
  for (int64_t r = 0; r < frames; ++r) {
    fft->forward(samples.data() + r * size, size, 1, window.data(), 1, alone.data());
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + r * fft->bins())) << "frame " << r;
  }
}

TEST(FftCacheTest, KeepsTheLastUsedSizesOnly) {
  const std::weak_ptr<const RealFft<float>> first = real_fft<float>(100);
  EXPECT_EQ(first.lock(), real_fft<float>(100));
  for (size_t i = 1; i < fft_cache_limit; ++i) real_fft<float>(100 + static_cast<int64_t>(i));
  EXPECT_FALSE(first.expired());
  real_fft<float>(1000);
  EXPECT_TRUE(first.expired());
  EXPECT_NE(real_fft<float>(100), nullptr);
}

TEST(FftCacheTest, ThreadsShareOnePlanWithAnOddFactor) {
  constexpr int64_t size = 77;
  const auto samples = noise<double>(size, 8);
  const std::vector<double> ones(size, 1);
  const auto run = [&] {
    std::vector<std::complex<double>> spectrum(size / 2 + 1);
    for (int i = 0; i < 200; ++i)
      real_fft<double>(size)->forward(samples.data(), size, 1, ones.data(), 1, spectrum.data());
    return spectrum;
  };
  const auto alone = run();
  std::vector<std::vector<std::complex<double>>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = run(); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, alone);
}

TEST(FftCacheTest, RejectsSizesBelowOne) {
  EXPECT_THROW(real_fft<double>(0), Error);
  EXPECT_THROW(real_fft<float>(-4), Error);
}

}  // namespace
}  // namespace sunder
