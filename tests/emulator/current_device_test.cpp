// Work on a stream runs on the stream's device, whatever device is current in the calling thread, and leaves that
// device current.
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "tensor/cuda/blas.h"
#include "tensor/cuda/graph.h"
#include "tensor/cuda/pipeline.h"
#include "tensor/cuda/runtime.h"
#include "tensor/error.h"
#include "tensor/memory.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/fcp.h"
#include "tensor/ops/lstm.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/stft.h"
#include "tests/emulator/device_array.h"
#include "tests/emulator/emulator.h"

namespace sunder {
namespace {

using emulator::settings;

int current_device() {
  int device = -1;
  SUNDER_CUDA_CHECK(cudaGetDevice(&device));
  return device;
}

class CurrentDevice : public testing::Test {
 protected:
  void SetUp() override {
    settings().devices = 2;
    SUNDER_CUDA_CHECK(cudaSetDevice(0));
  }
  void TearDown() override { settings() = before_; }

 private:
  emulator::Settings before_ = settings();
};

Tensor waves(Shape shape, double step, Stream stream, DType dtype = DType::float64) {
  Tensor result = Tensor::empty(std::move(shape), DType::float64);
  for (int64_t i = 0; i < result.numel(); ++i)
    result.mutable_data<double>()[i] = std::sin(step * static_cast<double>(i + 1));
  return (dtype == DType::complex128 ? result.as_complex() : result).to(stream);
}

// A kernel, a cuBLAS product, a cuFFT transform, cuDNN's LSTM and cuSOLVER's systems.
std::vector<std::vector<double>> results_on(Stream stream) {
  const Tensor a = waves({4, 5}, 0.3, stream), b = waves({5, 3}, 0.7, stream), signal = waves({2, 64}, 0.2, stream);
  const LstmWeights weights{waves({2, 8, 3}, 0.3, stream), waves({2, 8, 2}, 0.5, stream), waves({2, 8}, 0.7, stream),
                            waves({2, 8}, 1.1, stream)};
  const Tensor estimates = waves({1, 2, 9, 3, 2}, 0.9, stream, DType::complex128);
  const Tensor mixtures = waves({1, 1, 9, 3, 2}, 1.3, stream, DType::complex128);
  const Tensor ones = Tensor::full({1, 1, 9, 3}, 1, DType::float64, stream);
  const std::vector<Tensor> results{add(a, a), matmul(a, b),
                                    stft(signal, Tensor::full({16}, 1, DType::float64, stream), 4).as_real(),
                                    lstm(waves({2, 4, 3}, 0.2, stream), weights).y,
                                    fcp(estimates, mixtures, ones, {.past = 2, .future = 1}).images.as_real()};
  std::vector<std::vector<double>> values;
  for (const Tensor& result : results) values.push_back(result.to_vector<double>());
  return values;
}

// On its default stream and on one of its own.
void expect_work_on_the_second_device() {
  const Device second = parse_device("cuda:1");
  EXPECT_EQ(current_device(), 0) << "parse_device";
  const auto expected = results_on(cpu_device);
  const cuda::OwnedStream owned(second);
  for (const Stream stream : {Stream(second), owned.get()}) {
    const auto actual = results_on(stream);
    EXPECT_EQ(current_device(), 0);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t k = 0; k < actual.size(); ++k) {
      ASSERT_EQ(actual[k].size(), expected[k].size());
      for (size_t i = 0; i < actual[k].size(); ++i) ASSERT_NEAR(actual[k][i], expected[k][i], 1e-9) << k << ' ' << i;
    }
  }
}

TEST_F(CurrentDevice, StaysWhereItWas) {
  const uint64_t library_calls = emulator::counters().library_calls;
  expect_work_on_the_second_device();
  EXPECT_EQ(current_device(), 0);
  EXPECT_GE(emulator::counters().library_calls, library_calls + 10) << "a product, a transform, an LSTM, a solve";
}

TEST_F(CurrentDevice, IsTheFirstInAFreshThread) {
  std::thread thread([] { EXPECT_NO_THROW(expect_work_on_the_second_device()); });
  thread.join();
}

TEST_F(CurrentDevice, StaysWhereItWasWhenHandlesAndPlansGo) {
  const Device second = parse_device("cuda:1");
  {
    const cuda::OwnedStream owned(second);
    results_on(owned.get());
  }
  EXPECT_EQ(current_device(), 0) << "of a stream";
  results_on(second);
  cuda::blas::clear_handles();
  release_cached_memory(second);
  EXPECT_EQ(current_device(), 0);
}

TEST_F(CurrentDevice, StaysWhereItWasWithACapturedGraph) {
  const cuda::OwnedStream owned(parse_device("cuda:1"));
  const Stream stream = owned.get();
  const Tensor a = waves({4, 4}, 0.3, stream), b = waves({4, 4}, 0.7, stream);
  Tensor result;
  const auto work = [&] { result = add(matmul(a, b), b); };
  {
    const Arena arena(stream);
    const Arena::Scope scope(arena);
    work();  // makes the handle
    result = {};
    const cuda::Graph graph(stream, work);
    EXPECT_EQ(current_device(), 0) << "capture";
    b.copy_from(waves({4, 4}, 1.9, stream));
    graph.launch();
    EXPECT_EQ(current_device(), 0) << "launch";
    const auto replayed = result.to_vector<double>();
    work();
    EXPECT_EQ(result.to_vector<double>(), replayed);
    result = {};
  }
  EXPECT_EQ(current_device(), 0) << "destruction";
}

// A pipeline has pinned memory, events and a graph.
TEST_F(CurrentDevice, StaysWhereItWasWithAPipeline) {
  const cuda::OwnedStream owned(parse_device("cuda:1"));
  const Tensor total = Tensor::zeros({1}, DType::float64, owned.get());
  {
    cuda::Pipeline pipeline(owned.get(), cuda::GraphUse::required);
    std::vector<double> totals;
    for (int run = 0; run < 6; ++run) {
      const Tensor input = Tensor::full({1}, run, DType::float64);
      pipeline.run(
          {}, {input}, [&](const auto& inputs) { total.copy_from(add(total, inputs[0])); }, total);
      EXPECT_EQ(current_device(), 0) << run;
      for (const auto& arrived : pipeline.arrived(true)) totals.push_back(arrived[0]);
    }
    EXPECT_EQ(totals, (std::vector<double>{0, 1, 3, 6, 10, 15}));
  }
  EXPECT_EQ(current_device(), 0) << "destruction";
}

// Without this the tests above would show nothing of libraries.
TEST_F(CurrentDevice, OfAnotherStreamIsAnErrorOfTheEmulatedLibraries) {
  const cuda::OwnedStream owned(parse_device("cuda:1"));
  cublasHandle_t handle = nullptr;
  SUNDER_CUDA_CHECK(cublasCreate(&handle));
  SUNDER_CUDA_CHECK(cublasSetStream(handle, static_cast<cudaStream_t>(owned.get().handle)));
  const DeviceArray<float> x(std::vector<float>{2});
  const float one = 1, zero = 0;
  EXPECT_EQ(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, x.data(), CUDA_R_32F, 1, x.data(), CUDA_R_32F,
                         1, &zero, x.data(), CUDA_R_32F, 1, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
            CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidResourceHandle);
  SUNDER_CUDA_CHECK(cublasDestroy(handle));
}

}  // namespace
}  // namespace sunder
