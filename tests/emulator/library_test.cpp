// cuBLAS, cuDNN, cuFFT and cuSOLVER of the emulator against their definitions.
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cudnn.h>
#include <cufft.h>
#include <cusolverDn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <numbers>

#include "tensor/error.h"
#include "tests/emulator/device_array.h"
#include "tests/emulator/emulator.h"

namespace sunder {
namespace {

using emulator::Failure;
using Complex = std::complex<double>;

template <class T>
std::vector<T> waves(size_t count, double step) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<T>(std::sin(step * static_cast<double>(i + 1)) + 0.2f);
  return values;
}

class BlasTest : public testing::Test {
 protected:
  void SetUp() override { SUNDER_CUDA_CHECK(cublasCreate(&handle)); }
  void TearDown() override { SUNDER_CUDA_CHECK(cublasDestroy(handle)); }

  // Column major op(A) (m, k) op(B) (k, n) in padded matrices, two in a batch, against the definition.
  template <class T, class Out, class Scalar>
  void multiply(cudaDataType type, cudaDataType out, cublasComputeType_t compute, bool ta, bool tb, double bound) {
    constexpr int m = 5, n = 4, k = 7, batch = 2, pad = 3;
    const int lda = (ta ? k : m) + pad, ldb = (tb ? n : k) + pad, ldc = m + pad;
    const int stride_a = lda * (ta ? m : k) + 1, stride_b = ldb * (tb ? k : n) + 2, stride_c = ldc * n + 5;
    const std::vector<T> a = waves<T>(batch * stride_a, 0.7), b = waves<T>(batch * stride_b, 1.3);
    const std::vector<Out> c = waves<Out>(batch * stride_c, 2.1);
    const DeviceArray<T> da(a), db(b);
    const DeviceArray<Out> dc(c);
    const Scalar alpha = 1.5, beta = -0.5;
    SUNDER_CUDA_CHECK(cublasGemmStridedBatchedEx(handle, ta ? CUBLAS_OP_T : CUBLAS_OP_N, tb ? CUBLAS_OP_T : CUBLAS_OP_N,
                                                 m, n, k, &alpha, da.data(), type, lda, stride_a, db.data(), type, ldb,
                                                 stride_b, &beta, dc.data(), out, ldc, stride_c, batch, compute,
                                                 CUBLAS_GEMM_DEFAULT));
    const std::vector<Out> got = dc.values();
    for (int i = 0; i < batch * stride_c; ++i) {
      const int row = i % stride_c % ldc, column = i % stride_c / ldc, item = i / stride_c;
      const double before = c[i];
      if (row >= m || column >= n) {
        ASSERT_EQ(static_cast<double>(got[i]), before) << "padding at " << i;
        continue;
      }
      double sum = 0;
      for (int p = 0; p < k; ++p)
        sum += static_cast<double>(a[item * stride_a + (ta ? row * lda + p : p * lda + row)]) *
               static_cast<double>(b[item * stride_b + (tb ? p * ldb + column : column * ldb + p)]);
      ASSERT_NEAR(static_cast<double>(got[i]), 1.5 * sum - 0.5 * before, bound) << row << ' ' << column << ' ' << item;
    }
  }

  cublasHandle_t handle = nullptr;
};

TEST_F(BlasTest, MultipliesColumnMajorInStridesAndBatches) {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      multiply<float, float, float>(CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F, ta, tb, 1e-5);
      multiply<double, double, double>(CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F, ta, tb, 1e-13);
      // Exact products of bfloat16 values, summed in float32; a bfloat16 result has 8 bits.
      multiply<__nv_bfloat16, float, float>(CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F, ta, tb, 1e-5);
      multiply<__nv_bfloat16, __nv_bfloat16, float>(CUDA_R_16BF, CUDA_R_16BF, CUBLAS_COMPUTE_32F, ta, tb, 0.04);
    }
  }
}

// 1 + 2^-12 is no TF32 number: its product with 1 is 1.
TEST_F(BlasTest, RoundsToTf32OnlyWhereAsked) {
  const float almost_one = 1 + std::ldexp(1.0f, -12), one = 1, zero = 0;
  const DeviceArray<float> a(std::vector<float>{almost_one}), b(std::vector<float>{1}), c(1);
  const auto product = [&](cublasMath_t mode, cublasComputeType_t compute) {
    SUNDER_CUDA_CHECK(cublasSetMathMode(handle, mode));
    SUNDER_CUDA_CHECK(cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a.data(), CUDA_R_32F,
                                                 1, 0, b.data(), CUDA_R_32F, 1, 0, &zero, c.data(), CUDA_R_32F, 1, 0, 1,
                                                 compute, CUBLAS_GEMM_DEFAULT));
    return c.values()[0];
  };
  EXPECT_EQ(product(CUBLAS_DEFAULT_MATH, CUBLAS_COMPUTE_32F), almost_one) << "beta = 0 does not read C";
  EXPECT_EQ(product(CUBLAS_TF32_TENSOR_OP_MATH, CUBLAS_COMPUTE_32F), 1);
  EXPECT_EQ(product(CUBLAS_TF32_TENSOR_OP_MATH, CUBLAS_COMPUTE_32F_PEDANTIC), almost_one);
  EXPECT_EQ(product(CUBLAS_DEFAULT_MATH, CUBLAS_COMPUTE_32F_FAST_TF32), 1);
}

TEST_F(BlasTest, RejectsWhatReachesOutsideMemory) {
  const float one = 1, zero = 0;
  const DeviceArray<float> a(12), b(12), c(9);
  std::vector<float> host(12);
  const auto multiply = [&](const float* first, int lda, int ldc, int batch) {
    return cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 3, 3, 4, &one, first, CUDA_R_32F, lda, 0,
                                      b.data(), CUDA_R_32F, 4, 0, &zero, c.data(), CUDA_R_32F, ldc, 9, batch,
                                      CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  };
  EXPECT_EQ(multiply(a.data(), 3, 3, 1), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(multiply(a.data(), 2, 3, 1), CUBLAS_STATUS_INVALID_VALUE) << "lda < m";
  EXPECT_THROW(multiply(a.data(), 4, 3, 1), Failure) << "A is too short for lda 4";
  EXPECT_THROW(multiply(a.data(), 3, 3, 2), Failure) << "C is too short for two";
  EXPECT_THROW(multiply(host.data(), 3, 3, 1), Failure) << "A is host memory";
  EXPECT_THROW(SUNDER_CUDA_CHECK(multiply(a.data(), 2, 3, 1)), DeviceError);
}

// Two Hermitian systems of padded columns: B B^H + 1 of some B, and one that is not positive from its second row on.
class SolverTest : public testing::Test {
 protected:
  static constexpr int n = 4, lda = 6, count = 2;

  void SetUp() override {
    SUNDER_CUDA_CHECK(cusolverDnCreate(&handle));
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        Complex sum = i == j ? 1 : 0;
        for (int k = 0; k < n; ++k)
          sum += std::polar(1.0, 0.7 * i * k + i) * std::conj(std::polar(1.0, 0.7 * j * k + j)) / (1.0 + k);
        a[j * lda + i] = sum;
        a[lda * n + j * lda + i] = i == j ? (i == 1 ? -1 : 1) : 0;
      }
    upload(a, matrices.data());
  }
  void TearDown() override { SUNDER_CUDA_CHECK(cusolverDnDestroy(handle)); }

  static void upload(const std::vector<Complex>& from, void* to) {
    SUNDER_CUDA_CHECK(cudaMemcpy(to, from.data(), from.size() * sizeof(Complex), cudaMemcpyHostToDevice));
  }
  static std::vector<Complex> download(const DeviceArray<double2>& from) {
    std::vector<Complex> values;
    for (const double2& value : from.values()) values.emplace_back(value.x, value.y);
    return values;
  }
  std::vector<double2*> table(int64_t distance) const { return {matrices.data(), matrices.data() + distance}; }

  cusolverDnHandle_t handle = nullptr;
  std::vector<Complex> a = std::vector<Complex>(count * lda * n, -7);
  DeviceArray<double2> matrices{static_cast<size_t>(count * lda * n)};
  DeviceArray<int> infos{count}, info{1};
};

TEST_F(SolverTest, FactorsAndSolvesWithRepeatedPointers) {
  const DeviceArray<double2*> pointers(table(lda * n));
  SUNDER_CUDA_CHECK(
      cusolverDnZpotrfBatched(handle, CUBLAS_FILL_MODE_LOWER, n, pointers.data(), lda, infos.data(), count));
  EXPECT_EQ(infos.values(), (std::vector<int>{0, 2}));
  const auto l = download(matrices);
  for (int i = 0; i < lda; ++i)
    for (int j = 0; j < n; ++j) {
      if (i < j || i >= n) {
        EXPECT_EQ(l[j * lda + i], a[j * lda + i]) << "above the diagonal, or padding";
        continue;
      }
      Complex sum = 0;
      for (int k = 0; k <= j; ++k) sum += l[k * lda + i] * std::conj(l[k * lda + j]);
      EXPECT_LT(std::abs(sum - a[j * lda + i]), 1e-14);
    }
  std::vector<Complex> right(2 * n);
  for (int i = 0; i < 2 * n; ++i) right[i] = {std::sin(i), 1.0 / (1 + i)};
  const DeviceArray<double2> vectors(2 * n);
  upload(right, vectors.data());
  const DeviceArray<double2*> factors(table(0)), columns(std::vector<double2*>{vectors.data(), vectors.data() + n});
  SUNDER_CUDA_CHECK(cusolverDnZpotrsBatched(handle, CUBLAS_FILL_MODE_LOWER, n, 1, factors.data(), lda, columns.data(),
                                            n, info.data(), 2));
  const auto x = download(vectors);
  for (int vector = 0; vector < 2; ++vector)
    for (int i = 0; i < n; ++i) {
      Complex sum = 0;
      for (int j = 0; j < n; ++j) sum += a[j * lda + i] * x[vector * n + j];
      EXPECT_LT(std::abs(sum - right[vector * n + i]), 1e-14);
    }
  EXPECT_EQ(info.values()[0], 0);
}

TEST_F(SolverTest, RejectsWhatReachesOutsideMemory) {
  const auto factorise = [&](const std::vector<double2*>& pointers, int leading) {
    const DeviceArray<double2*> on_device(pointers);
    return cusolverDnZpotrfBatched(handle, CUBLAS_FILL_MODE_LOWER, n, on_device.data(), leading, infos.data(), count);
  };
  EXPECT_EQ(factorise(table(lda * n), n - 1), CUSOLVER_STATUS_INVALID_VALUE) << "lda < n";
  EXPECT_THROW(factorise(table(lda * n + 3), lda), Failure) << "the second matrix ends outside";
  double2 host[16];
  EXPECT_THROW(factorise({matrices.data(), host}, lda), Failure) << "the second matrix is host memory";
  EXPECT_THROW(SUNDER_CUDA_CHECK(factorise(table(lda * n), n - 1)), DeviceError);
}

// X[k] = sum over i of x[i] e^(-2 pi i k / n), and its inverse times n.
template <class T>
class FftTest : public testing::Test {
 protected:
  static constexpr bool single = std::is_same_v<T, float>;
  using Pair = std::conditional_t<single, cufftComplex, cufftDoubleComplex>;
  const double bound = single ? 2e-5 : 1e-12;

  static void execute(cufftHandle plan, T* x, Pair* y) {
    if constexpr (single) SUNDER_CUDA_CHECK(cufftExecR2C(plan, x, y));
    else SUNDER_CUDA_CHECK(cufftExecD2Z(plan, x, y));
  }
  static void execute(cufftHandle plan, Pair* x, T* y) {
    if constexpr (single) SUNDER_CUDA_CHECK(cufftExecC2R(plan, x, y));
    else SUNDER_CUDA_CHECK(cufftExecZ2D(plan, x, y));
  }

  static cufftHandle make(bool forward, long long n, long long batch, long long real_distance,
                          long long complex_distance) {
    cufftHandle plan = 0;
    size_t bytes = 0;
    const cufftType type = forward ? (single ? CUFFT_R2C : CUFFT_D2Z) : (single ? CUFFT_C2R : CUFFT_Z2D);
    const long long in = forward ? real_distance : complex_distance, out = forward ? complex_distance : real_distance;
    long long* given = real_distance > 0 ? &n : nullptr;
    SUNDER_CUDA_CHECK(cufftCreate(&plan));
    SUNDER_CUDA_CHECK(cufftMakePlanMany64(plan, 1, &n, given, 1, in, given, 1, out, type, batch, &bytes));
    return plan;
  }

  static Complex bin(const T* x, int n, int k) {
    Complex sum = 0;
    for (int i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * std::polar(1.0, -2 * std::numbers::pi * i * k / n);
    return sum;
  }
};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(FftTest, Reals);

TYPED_TEST(FftTest, TransformsOverlappingRows) {
  constexpr int hop = 3, batch = 70;
  for (const int n : {1, 2, 8, 15, 64}) {
    const int bins = n / 2 + 1, distance = bins + 2;
    const std::vector<TypeParam> x = waves<TypeParam>((batch - 1) * hop + n, 0.9);
    const DeviceArray<TypeParam> input(x);
    const DeviceArray<typename TestFixture::Pair> output(batch * distance);
    const cufftHandle plan = this->make(true, n, batch, hop, distance);
    this->execute(plan, input.data(), output.data());
    const auto y = output.values();
    for (int row = 0; row < batch; row += 23)
      for (int k = 0; k < bins; ++k) {
        const Complex expected = this->bin(x.data() + row * hop, n, k);
        ASSERT_NEAR(y[row * distance + k].x, expected.real(), this->bound) << n << ' ' << k;
        ASSERT_NEAR(y[row * distance + k].y, expected.imag(), this->bound) << n << ' ' << k;
      }
    SUNDER_CUDA_CHECK(cufftDestroy(plan));
  }
}

TYPED_TEST(FftTest, ThereAndBackIsTimesNAndOverwritesTheSpectrum) {
  constexpr int n = 30, batch = 5;
  const std::vector<TypeParam> x = waves<TypeParam>(batch * n, 0.4);
  const DeviceArray<TypeParam> input(x), output(batch * n);
  const DeviceArray<typename TestFixture::Pair> spectra(batch * (n / 2 + 1));
  const cufftHandle forward = this->make(true, n, batch, 0, 0), inverse = this->make(false, n, batch, 0, 0);
  this->execute(forward, input.data(), spectra.data());
  this->execute(inverse, spectra.data(), output.data());
  const auto y = output.values();
  for (int i = 0; i < batch * n; ++i) ASSERT_NEAR(y[i], n * x[i], 10 * this->bound);
  EXPECT_TRUE(std::isnan(spectra.values()[3].x)) << "the input of an inverse transform is scratch memory";
  SUNDER_CUDA_CHECK(cufftDestroy(forward));
  SUNDER_CUDA_CHECK(cufftDestroy(inverse));
}

TYPED_TEST(FftTest, InPlaceRowsArePadded) {
  constexpr int n = 16, batch = 130, bins = n / 2 + 1;
  const std::vector<TypeParam> x = waves<TypeParam>(batch * 2 * bins, 0.4);
  for (const int real_distance : {0, 2 * bins}) {  // 0: the default layout
    const DeviceArray<TypeParam> rows(x);
    auto* pairs = reinterpret_cast<typename TestFixture::Pair*>(rows.data());
    const cufftHandle forward = this->make(true, n, batch, real_distance, bins);
    const cufftHandle inverse = this->make(false, n, batch, real_distance, bins);
    this->execute(forward, rows.data(), pairs);
    const auto spectra = rows.values();
    EXPECT_NEAR(spectra[7 * 2 * bins + 4], this->bin(x.data() + 7 * 2 * bins, n, 2).real(), this->bound);
    this->execute(inverse, pairs, rows.data());
    const auto y = rows.values();
    for (int row = 0; row < batch; ++row)
      for (int i = 0; i < n; ++i) ASSERT_NEAR(y[row * 2 * bins + i], n * x[row * 2 * bins + i], 10 * this->bound);
    SUNDER_CUDA_CHECK(cufftDestroy(forward));
    SUNDER_CUDA_CHECK(cufftDestroy(inverse));
  }
}

TYPED_TEST(FftTest, NeedsItsWorkAreaAndLiveMemory) {
  constexpr long long batch = 2;
  long long n = 8;
  cufftHandle plan = 0;
  size_t bytes = 0;
  const DeviceArray<float> input(16), short_input(15);
  const DeviceArray<cufftComplex> output(10);
  SUNDER_CUDA_CHECK(cufftCreate(&plan));
  SUNDER_CUDA_CHECK(cufftSetAutoAllocation(plan, 0));
  SUNDER_CUDA_CHECK(cufftMakePlanMany64(plan, 1, &n, nullptr, 1, 0, nullptr, 1, 0, CUFFT_R2C, batch, &bytes));
  EXPECT_EQ(cufftExecR2C(plan, input.data(), output.data()), CUFFT_NO_WORKSPACE);
  const DeviceArray<char> work(bytes);
  SUNDER_CUDA_CHECK(cufftSetWorkArea(plan, work.data()));
  SUNDER_CUDA_CHECK(cufftExecR2C(plan, input.data(), output.data()));
  EXPECT_THROW(cufftExecR2C(plan, short_input.data(), output.data()), Failure);
  EXPECT_EQ(cufftExecD2Z(plan, nullptr, nullptr), CUFFT_INVALID_TYPE);
  SUNDER_CUDA_CHECK(cufftDestroy(plan));
  EXPECT_EQ(cufftDestroy(plan), CUFFT_INVALID_PLAN);
  EXPECT_EQ(cufftExecR2C(plan, input.data(), output.data()), CUFFT_INVALID_PLAN);
}

// An LSTM in one direction and with one unit can be followed by hand.
class RnnTest : public testing::Test {
 protected:
  static constexpr int steps = 3, sequences = 2, inputs = 1, hidden = 1;

  void SetUp() override {
    SUNDER_CUDA_CHECK(cudnnCreate(&handle));
    SUNDER_CUDA_CHECK(cudnnCreateDropoutDescriptor(&dropout));
    SUNDER_CUDA_CHECK(cudnnSetDropoutDescriptor(dropout, handle, 0, nullptr, 0, 0));
    SUNDER_CUDA_CHECK(cudnnCreateRNNDescriptor(&rnn));
    SUNDER_CUDA_CHECK(describe(CUDNN_DATA_DOUBLE, hidden));
    SUNDER_CUDA_CHECK(cudnnCreateRNNDataDescriptor(&data));
    const std::vector<int> lengths(sequences, steps);
    SUNDER_CUDA_CHECK(cudnnSetRNNDataDescriptor(data, CUDNN_DATA_DOUBLE, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED, steps,
                                                sequences, inputs, lengths.data(), nullptr));
    SUNDER_CUDA_CHECK(cudnnGetRNNWeightSpaceSize(handle, rnn, &weight_bytes));
    SUNDER_CUDA_CHECK(
        cudnnGetRNNTempSpaceSizes(handle, rnn, CUDNN_FWD_MODE_TRAINING, data, &work_bytes, &reserve_bytes));
  }
  void TearDown() override {
    SUNDER_CUDA_CHECK(cudnnDestroyRNNDataDescriptor(data));
    SUNDER_CUDA_CHECK(cudnnDestroyRNNDescriptor(rnn));
    SUNDER_CUDA_CHECK(cudnnDestroyDropoutDescriptor(dropout));
    SUNDER_CUDA_CHECK(cudnnDestroy(handle));
  }

  cudnnStatus_t describe(cudnnDataType_t math, int projection) const {
    return cudnnSetRNNDescriptor_v8(rnn, CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, CUDNN_RNN_NO_BIAS, CUDNN_UNIDIRECTIONAL,
                                    CUDNN_LINEAR_INPUT, CUDNN_DATA_DOUBLE, math, CUDNN_DEFAULT_MATH, inputs, hidden,
                                    projection, 1, dropout, CUDNN_RNN_PADDED_IO_DISABLED);
  }
  cudnnStatus_t forward(const double* x, double* y, const char* weights, char* reserve, size_t reserve_size) const {
    const DeviceArray<char> work(work_bytes);
    return cudnnRNNForward(handle, rnn, CUDNN_FWD_MODE_TRAINING, nullptr, data, x, data, y, nullptr, nullptr, nullptr,
                           nullptr, nullptr, nullptr, weight_bytes, weights, work_bytes, work.data(), reserve_size,
                           reserve);
  }

  cudnnHandle_t handle = nullptr;
  cudnnDropoutDescriptor_t dropout = nullptr;
  cudnnRNNDescriptor_t rnn = nullptr;
  cudnnRNNDataDescriptor_t data = nullptr;
  size_t weight_bytes = 0, work_bytes = 0, reserve_bytes = 0;
};

TEST_F(RnnTest, FollowsTheFormulaWithWeightsWhereItSays) {
  std::vector<char> space(weight_bytes);
  const DeviceArray<char> weights(space);
  cudnnTensorDescriptor_t matrix = nullptr, bias = nullptr;
  SUNDER_CUDA_CHECK(cudnnCreateTensorDescriptor(&matrix));
  SUNDER_CUDA_CHECK(cudnnCreateTensorDescriptor(&bias));
  double w[8];  // of i, f, g, o from x, then from h
  for (int k = 0; k < 8; ++k) {
    void *matrix_at = nullptr, *bias_at = nullptr;
    SUNDER_CUDA_CHECK(
        cudnnGetRNNWeightParams(handle, rnn, 0, weight_bytes, weights.data(), k, matrix, &matrix_at, bias, &bias_at));
    w[k] = 0.3 * k - 0.8;
    std::memcpy(space.data() + (static_cast<char*>(matrix_at) - weights.data()), &w[k], sizeof(double));
    EXPECT_EQ(bias_at, nullptr);
  }
  int dim = 0, sizes[3], strides[3];
  cudnnDataType_t type{};
  SUNDER_CUDA_CHECK(cudnnGetTensorNdDescriptor(matrix, 3, &type, &dim, sizes, strides));
  EXPECT_EQ(std::vector<int>(sizes, sizes + 3), (std::vector<int>{1, hidden, hidden}));
  SUNDER_CUDA_CHECK(cudnnDestroyTensorDescriptor(matrix));
  SUNDER_CUDA_CHECK(cudnnDestroyTensorDescriptor(bias));

  const DeviceArray<char> filled(space), reserve(reserve_bytes);
  const std::vector<double> x = waves<double>(steps * sequences, 0.9);
  const DeviceArray<double> input(x), output(steps * sequences);
  SUNDER_CUDA_CHECK(forward(input.data(), output.data(), filled.data(), reserve.data(), reserve_bytes));
  const std::vector<double> y = output.values();
  const auto squash = [](double value) { return 1 / (1 + std::exp(-value)); };
  for (int n = 0; n < sequences; ++n) {
    double h = 0, c = 0;
    for (int t = 0; t < steps; ++t) {
      const auto sum = [&](int k) { return w[k] * x[t * sequences + n] + w[4 + k] * h; };
      c = squash(sum(1)) * c + squash(sum(0)) * std::tanh(sum(2));
      h = squash(sum(3)) * std::tanh(c);
      EXPECT_NEAR(y[t * sequences + n], h, 1e-14) << t << ' ' << n;
    }
  }
}

TEST_F(RnnTest, RejectsWhatDoesNotFit) {
  const DeviceArray<double> x(steps * sequences), y(steps * sequences), short_y(steps * sequences - 1);
  const DeviceArray<char> weights(weight_bytes), reserve(reserve_bytes);
  EXPECT_EQ(forward(x.data(), y.data(), weights.data(), reserve.data(), reserve_bytes), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(forward(x.data(), y.data(), weights.data(), reserve.data(), reserve_bytes - 1),
            CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
  EXPECT_THROW(SUNDER_CUDA_CHECK(forward(x.data(), y.data(), weights.data(), nullptr, 0)), DeviceError);
  EXPECT_THROW(forward(x.data(), short_y.data(), weights.data(), reserve.data(), reserve_bytes), Failure);
  std::vector<double> host(steps * sequences);
  EXPECT_THROW(forward(host.data(), y.data(), weights.data(), reserve.data(), reserve_bytes), Failure);
  EXPECT_EQ(describe(CUDNN_DATA_FLOAT, hidden), CUDNN_STATUS_NOT_SUPPORTED) << "float64 is computed with as such";
  EXPECT_EQ(describe(CUDNN_DATA_DOUBLE, 0), CUDNN_STATUS_BAD_PARAM);
  const std::vector<int> lengths{steps, steps - 1};
  EXPECT_EQ(cudnnSetRNNDataDescriptor(data, CUDNN_DATA_DOUBLE, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED, steps, sequences,
                                      inputs, lengths.data(), nullptr),
            CUDNN_STATUS_NOT_SUPPORTED);
}

}  // namespace
}  // namespace sunder
