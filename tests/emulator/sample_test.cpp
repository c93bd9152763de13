// Kernels in the manner of an op's, on the emulator or on a device.
#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"
#include "tests/cuda_device.h"
#include "tests/emulator/device_array.h"
#include "tests/emulator/sample.h"

namespace sunder {
namespace {

const Stream cuda_stream = Device{Device::Kind::cuda, 0};

class SampleTest : public testing::Test {
 protected:
  void SetUp() override { SUNDER_NEEDS_CUDA(); }
};

template <class T>
std::vector<T> ramp(size_t count) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<T>(std::sin(0.37 * static_cast<double>(i)) * 3 + 1);
  return values;
}

TEST_F(SampleTest, AddsVectorsOfAnyLength) {
  for (const size_t count : {1, 255, 256, 257, 10007}) {
    const std::vector<float> x = ramp<float>(count), y(count, 0.5f);
    const DeviceArray<float> a(x), b(y), sum(count);
    sample::add(a.data(), b.data(), sum.data(), static_cast<int64_t>(count), cuda_stream);
    const std::vector<float> z = sum.values();
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(z[i], x[i] + y[i]) << i;
  }
  sample::add(nullptr, nullptr, nullptr, 0, cuda_stream);
}

TEST_F(SampleTest, NormalizesRowsByBlockReductions) {
  constexpr int rows = 5;
  for (const int columns : {32, 100, 512, 1000}) {
    const std::vector<float> x = ramp<float>(rows * columns);
    const DeviceArray<float> a(x), b(x.size());
    sample::normalize_rows(a.data(), b.data(), rows, columns, 1e-5f, cuda_stream);
    const std::vector<float> y = b.values();
    for (int r = 0; r < rows; ++r) {
      double mean = 0, variance = 0;
      for (int c = 0; c < columns; ++c) mean += x[r * columns + c] / columns;
      for (int c = 0; c < columns; ++c) variance += std::pow(x[r * columns + c] - mean, 2) / columns;
      for (int c = 0; c < columns; ++c)
        ASSERT_NEAR(y[r * columns + c], (x[r * columns + c] - mean) / std::sqrt(variance + 1e-5), 1e-5);
    }
  }
}

TEST_F(SampleTest, TransposesByTiles) {
  constexpr int rows = 45, columns = 70;
  const std::vector<double> x = ramp<double>(rows * columns);
  const DeviceArray<double> a(x), b(x.size());
  sample::transpose(a.data(), b.data(), rows, columns, cuda_stream);
  const std::vector<double> y = b.values();
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) ASSERT_EQ(y[c * rows + r], x[r * columns + c]);
}

TEST_F(SampleTest, UsesDynamicSharedMemoryBeyond48KiB) {
  for (const int piece : {1, 100, 12288, 20000, 58112}) {
    const std::vector<float> x = ramp<float>(2 * piece);
    const DeviceArray<float> a(x), b(x.size());
    sample::reverse_pieces(a.data(), b.data(), 2, piece, cuda_stream);
    const std::vector<float> y = b.values();
    for (int i = 0; i < piece; ++i) ASSERT_EQ(y[piece + i], x[2 * piece - 1 - i]);
  }
  const DeviceArray<float> a(2), b(2);
  try {
    sample::reverse_pieces(a.data(), b.data(), 1, 58113, cuda_stream);
    FAIL() << "227 KiB are the limit";
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("reverse_pieces_kernel"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("232452 bytes of shared memory"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("sample.cu"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace sunder
