// The properties every op has, written once.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <set>

#include "tensor/memory.h"
#include "tensor/parallel.h"
#include "tests/cases/all.h"
#include "tests/cases/benchmark.h"
#include "tests/cuda_device.h"
#include "tests/paths.h"

namespace sunder::cases {
namespace {

struct Named {
  std::string op;
  Example example;
};

void PrintTo(const Named& named, std::ostream* out) { *out << named.op << ' ' << named.example.name; }

std::vector<Named> all_examples(bool with_gradient) {
  std::vector<Named> result;
  for (const Case& op : all())
    for (const Example& example : op.examples)
      if (example.check_grad || !with_gradient) result.push_back({op.op, example});
  return result;
}

class OpCase : public testing::TestWithParam<Named> {
 protected:
  const Example& example() const { return GetParam().example; }

  // The inputs as float64 or as float32 (complex and integers alike).
  std::vector<Tensor> inputs(bool single, Stream stream = cpu_device) const {
    std::vector<Tensor> result;
    for (const Tensor& input : example().inputs)
      result.push_back((single ? in_float32(input) : input).clone().to(stream));
    return result;
  }

  // Outputs, then the gradients of the inputs that have one; all on the host.
  std::vector<Tensor> run(bool single, Stream stream = cpu_device) const {
    std::vector<Variable> variables;
    const std::vector<bool> wanted = example().with_gradient();
    for (size_t i = 0; const Tensor& input : inputs(single, stream)) variables.emplace_back(input, wanted[i++]);
    const std::vector<Variable> outputs = example().function(variables);
    std::vector<Tensor> results, cotangents;
    for (const Variable& output : outputs) results.push_back(output.value().to(cpu_device));
    if (!example().check_grad) return results;
    for (size_t k = 0; k < outputs.size(); ++k) {
      const Tensor wide = random_tensor(outputs[k].shape(), 100 + k,
                                        is_complex(outputs[k].value().dtype()) ? DType::complex128 : DType::float64);
      cotangents.push_back(wide.cast(outputs[k].value().dtype()).to(stream));
    }
    backward(outputs, cotangents);
    for (const Variable& variable : variables)
      if (variable.requires_grad() && variable.grad().defined()) results.push_back(variable.grad().to(cpu_device));
    return results;
  }

  void expect_same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b, const char* why) const {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].shape(), b[i].shape());
      EXPECT_EQ(std::memcmp(a[i].raw(), b[i].raw(), a[i].bytes()), 0) << why << ", result " << i;
    }
  }
};

class OpGradient : public OpCase {};

TEST_P(OpCase, EqualsReference) {
  ASSERT_TRUE(example().reference) << "an example needs a reference";
  const std::vector<Tensor> expected = example().reference(inputs(false));
  for (bool single : {false, true}) {
    const NoGrad no_grad;
    std::vector<Variable> variables;
    for (const Tensor& input : inputs(single)) variables.emplace_back(input);
    const std::vector<Variable> outputs = example().function(variables);
    ASSERT_EQ(outputs.size(), expected.size());
    for (size_t k = 0; k < outputs.size(); ++k) {
      const double bound =
          (single ? example().tolerance32 : example().tolerance64) * std::max(1.0, max_abs(expected[k]));
      EXPECT_LE(max_difference(outputs[k].value(), expected[k]), bound)
          << (single ? "float32" : "float64") << " output " << k;
    }
  }
}

TEST_P(OpGradient, GradMatchesFiniteDifferences) {
  const GradcheckResult result = gradcheck(example().function, inputs(false), example().with_gradient());
  EXPECT_LE(result.error, example().grad_tolerance) << result.detail;
}

TEST_P(OpGradient, SinglePrecisionGradIsNearDouble) {
  const std::vector<Tensor> exact = run(false), rounded = run(true);
  ASSERT_EQ(exact.size(), rounded.size());
  for (size_t i = 0; i < exact.size(); ++i)
    EXPECT_LE(max_difference(exact[i], rounded[i]), 10 * example().tolerance32 * std::max(1.0, max_abs(exact[i])))
        << "result " << i;
}

TEST_P(OpCase, WritesAllItReads) {
  for (bool single : {false, true}) {
    set_memory_poison(0xff);  // NaN
    const std::vector<Tensor> first = run(single);
    set_memory_poison(0x3e);  // about 0.2
    const std::vector<Tensor> second = run(single);
    set_memory_poison(0);
    expect_same_bits(first, second, "memory that nothing wrote");
  }
}

TEST_P(OpCase, SameBitsWithAnyNumberOfThreads) {
  set_num_threads(1);
  const std::vector<Tensor> one = run(true);
  set_num_threads(3);
  const std::vector<Tensor> three = run(true), again = run(true);
  set_num_threads(0);
  expect_same_bits(one, three, "1 and 3 threads");
  expect_same_bits(three, again, "two runs");
}

// The same on a CUDA device: a real one, or the emulator. Without either it skips, or fails with SUNDER_REQUIRE_CUDA=1.
class CudaOpCase : public OpCase {
 protected:
  void SetUp() override { SUNDER_NEEDS_CUDA(); }
  Stream device() const { return first_cuda_device; }
};

TEST_P(CudaOpCase, EqualsCpu) {
  for (bool single : {false, true}) {
    const std::vector<Tensor> expected = run(single), actual = run(single, device());
    ASSERT_EQ(actual.size(), expected.size());
    // Both are within the tolerance of the exact result; gradients within ten times that
    // (SinglePrecisionGradIsNear...).
    const double tolerance = 20 * (single ? example().tolerance32 : std::max(example().tolerance64, 1e-12));
    for (size_t i = 0; i < actual.size(); ++i)
      EXPECT_LE(max_difference(actual[i], expected[i]), tolerance * std::max(1.0, max_abs(expected[i])))
          << (single ? "float32" : "float64") << " result " << i;
  }
}

TEST_P(CudaOpCase, SameBitsAgainAndWithOtherMemory) {
  for (bool single : {false, true}) {
    set_memory_poison(0xff);
    const std::vector<Tensor> first = run(single, device());
    set_memory_poison(0x3e);
    const std::vector<Tensor> second = run(single, device());
    set_memory_poison(0);
    expect_same_bits(first, second, "two runs, or memory that nothing wrote");
  }
}

std::string test_name(const testing::TestParamInfo<Named>& info) {
  std::string name = info.param.op + "_" + info.param.example.name;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Ops, OpCase, testing::ValuesIn(all_examples(false)), test_name);
#ifdef SUNDER_WITH_CUDA
INSTANTIATE_TEST_SUITE_P(Ops, CudaOpCase, testing::ValuesIn(all_examples(false)), test_name);
#else
// One line instead of one per case.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CudaOpCase);
TEST(Cases, EqualTheCpuOnCuda) { SUNDER_NEEDS_CUDA(); }
#endif
INSTANTIATE_TEST_SUITE_P(Ops, OpGradient, testing::ValuesIn(all_examples(true)), test_name);

TEST(Cases, RejectWrongInputsWithTheirMessage) {
  for (const Case& op : all()) {
    EXPECT_FALSE(op.rejected.empty()) << op.op << " names no input that it rejects";
    for (const Rejected& rejected : op.rejected) {
      try {
        rejected.call();
        ADD_FAILURE() << op.op << " accepted what it should reject: " << rejected.message;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(rejected.message), std::string::npos)
            << op.op << ": expected \"" << rejected.message << "\", got \"" << error.what() << '"';
      }
    }
  }
}

TEST(Cases, EveryOpHasOne) {
  std::set<std::string> have, want;
  for (const Case& op : all()) have.insert(op.op);
  for (const char* folder : {"tensor/ops", "autograd/ops"})
    for (const auto& file : std::filesystem::directory_iterator(source_folder + "/" + folder))
      if (file.path().extension() == ".cpp") want.insert(file.path().stem());
  EXPECT_EQ(have, want);
}

// What sunder-bench-ops runs, once and for one item.
TEST(Cases, EveryOpHasABenchmarkThatRuns) {
  std::set<std::string> rows;
  for (const Case& op : all()) {
    ASSERT_TRUE(op.benchmarks) << op.op << " has no benchmark";
    const std::vector<Benchmark> benchmarks = op.benchmarks(1);
    EXPECT_FALSE(benchmarks.empty()) << op.op << " has no benchmark";
    for (const Benchmark& benchmark : benchmarks) {
      const std::string row = PreparedBenchmark::row(op, benchmark);
      EXPECT_TRUE(rows.insert(row).second) << "two rows are called " << row;
      const PreparedBenchmark ready(benchmark, cpu_device);
      EXPECT_EQ(ready.has_gradient(), benchmark.example.check_grad) << row;
      for (const Variable& output : ready.forward())
        EXPECT_TRUE(output.value().numel() > 0 && std::isfinite(max_abs(output.value()))) << row;
      if (ready.has_gradient()) ready.forward_backward();
      EXPECT_GE(benchmark.flops, 0) << row;
    }
  }
}

}  // namespace
}  // namespace sunder::cases
