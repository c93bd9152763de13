// Transforms and plans on a CUDA device: a real one, or the emulator.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <optional>

#include "tensor/cuda/check.h"
#include "tensor/cuda/fft.h"
#include "tensor/cuda/graph.h"
#include "tensor/memory.h"
#include "tests/cuda_device.h"

namespace sunder::cuda {
namespace {

class CudaFft : public testing::Test {
 protected:
  void SetUp() override {
    SUNDER_NEEDS_CUDA();
    SUNDER_CUDA_CHECK(cudaStreamCreateWithFlags(&native_, cudaStreamNonBlocking));
  }
  void TearDown() override {
    if (!native_) return;
    clear_fft_plans();
    SUNDER_CUDA_CHECK(cudaStreamDestroy(native_));
  }
  Stream stream() const { return {Device{Device::Kind::cuda, 0}, native_}; }

  cudaStream_t native_ = nullptr;
};

constexpr int64_t rows = 3;

double sample(int64_t row, int64_t n) { return std::sin(1.0 + 2.3 * static_cast<double>(row + 7 * n * n)); }

// Frames as fft_forward takes them: n_fft samples a row, padding zero.
template <class T>
Tensor frames(int64_t n_fft, Stream stream) {
  const int64_t bins = n_fft / 2 + 1;
  std::vector<std::complex<T>> values(rows * bins);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t n = 0; n < n_fft; ++n) reinterpret_cast<T*>(&values[row * bins])[n] = static_cast<T>(sample(row, n));
  return Tensor::from(values, {rows, bins}, stream);
}

template <class T>
void expect_spectra(const Tensor& spectra, int64_t n_fft, double tolerance) {
  const auto values = spectra.to_vector<std::complex<T>>();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t k = 0; k <= n_fft / 2; ++k) {
      std::complex<double> expected = 0;
      for (int64_t n = 0; n < n_fft; ++n)
        expected += std::polar(sample(row, n),
                               -2 * std::numbers::pi * static_cast<double>(k * n % n_fft) / static_cast<double>(n_fft));
      const std::complex<double> actual(values[row * (n_fft / 2 + 1) + k]);
      EXPECT_NEAR(std::abs(actual - expected), 0, tolerance) << "size " << n_fft << ", row " << row << ", bin " << k;
    }
  }
}

template <class T>
void expect_round_trip(int64_t n_fft, double tolerance, Stream stream) {
  const Tensor data = frames<T>(n_fft, stream);
  fft_forward(data, n_fft);
  expect_spectra<T>(data, n_fft, tolerance);
  fft_inverse(data, n_fft);
  const auto values = data.to_vector<std::complex<T>>();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t n = 0; n < n_fft; ++n)
      EXPECT_NEAR(reinterpret_cast<const T*>(&values[row * (n_fft / 2 + 1)])[n],
                  static_cast<double>(n_fft) * sample(row, n), tolerance * static_cast<double>(n_fft));
}

TEST_F(CudaFft, InPlaceEqualsTheDefinitionAndComesBack) {
  for (int64_t n_fft : {1, 2, 3, 8, 12, 15, 64}) {
    expect_round_trip<float>(n_fft, 1e-5, stream());
    expect_round_trip<double>(n_fft, 1e-13, stream());
  }
}

TEST_F(CudaFft, PlansAreKeptButNotWithoutBound) {
  for (int64_t n_fft = 2; n_fft < 2 + 2 * static_cast<int64_t>(fft_plan_limit); ++n_fft)
    fft_forward(frames<float>(n_fft, stream()), n_fft);
  EXPECT_EQ(fft_plan_count(), fft_plan_limit);
  fft_forward(frames<float>(2 * fft_plan_limit, stream()), 2 * fft_plan_limit);  // one of the last
  EXPECT_EQ(fft_plan_count(), fft_plan_limit);
  clear_fft_plans();
  EXPECT_EQ(fft_plan_count(), 0u);
}

TEST_F(CudaFft, PlansOfAGraphOutliveOthers) {
  constexpr int64_t n_fft = 12;
  const Tensor data = frames<double>(n_fft, stream());
  const Arena arena(stream());  // keeps the plan's work area for the graph
  std::optional<Arena::Scope> scope(arena);
  fft_forward(frames<double>(n_fft, stream()), n_fft);  // makes the plan, which must not happen in a capture
  std::optional<Graph> graph(std::in_place, stream(), [&] { fft_forward(data, n_fft); });
  scope.reset();
  for (int64_t other = 20; other < 20 + 2 * static_cast<int64_t>(fft_plan_limit); ++other)
    fft_forward(frames<float>(other, stream()), other);
  EXPECT_EQ(fft_plan_count(), fft_plan_limit + 1);
  graph->launch();
  expect_spectra<double>(data, n_fft, 1e-13);
  graph.reset();
  fft_forward(frames<float>(7, stream()), 7);
  EXPECT_EQ(fft_plan_count(), fft_plan_limit) << "plans of graphs that are gone are evicted";
}

}  // namespace
}  // namespace sunder::cuda
