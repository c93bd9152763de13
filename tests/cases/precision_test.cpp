// Ops in lower precision, which CUDA alone has: bfloat16 activations and TF32 products against float64 on the same
// rounded inputs, to the bound that stands beside each op's declaration.
#include <gtest/gtest.h>

#include <cstring>

#include "tensor/memory.h"
#include "tests/cases/all.h"
#include "tests/cuda_device.h"

namespace sunder::cases {
namespace {

struct Instance {
  std::string name;
  Example example;
  bool bfloat16;  // or TF32
};

void PrintTo(const Instance& instance, std::ostream* out) { *out << instance.name; }

std::vector<Instance> all_instances() {
  std::vector<Instance> result;
  for (const Case& op : all()) {
    for (const Example& example : op.examples) {
      const std::string name = op.op + "_" + example.name;
      if (!example.narrow.empty()) result.push_back({name + "_bfloat16", example, true});
      if (example.tf32) result.push_back({name + "_tf32", example, false});
    }
  }
  return result;
}

DType wide(DType dtype) { return is_complex(dtype) ? DType::complex128 : DType::float64; }

class LowerPrecision : public testing::TestWithParam<Instance> {
 protected:
  void SetUp() override { SUNDER_NEEDS_CUDA(); }

  const Example& example() const { return GetParam().example; }

  Narrow kind(size_t input) const { return GetParam().bfloat16 ? example().narrow[input] : Narrow::parameter; }

  // The inputs rounded to how they are stored.
  std::vector<Tensor> inputs() const {
    std::vector<Tensor> result;
    for (size_t i = 0; i < example().inputs.size(); ++i) {
      const Tensor single = example().inputs[i].cast(DType::float32);
      result.push_back(kind(i) == Narrow::parameter ? single : single.cast(DType::bfloat16));
    }
    return result;
  }

  // Outputs, then gradients; the cotangents are rounded to what the device's outputs are.
  std::vector<Tensor> run(const Differentiable& function, const std::vector<Variable>& leaves,
                          const std::vector<Variable>& variables, std::vector<DType>& cotangent_dtypes) const {
    const std::vector<Variable> outputs = function(variables);
    std::vector<Tensor> results, cotangents;
    for (size_t k = 0; k < outputs.size(); ++k) {
      const Tensor& value = outputs[k].value();
      results.push_back(value.to(cpu_device));
      if (cotangent_dtypes.size() <= k) cotangent_dtypes.push_back(value.dtype());
      const Tensor random = random_tensor(value.shape(), 100 + k, wide(value.dtype()));
      cotangents.push_back(random.cast(cotangent_dtypes[k]).cast(value.dtype()).to(value.stream()));
    }
    if (!example().check_grad) return results;
    backward(outputs, cotangents);
    for (const Variable& leaf : leaves) results.push_back(leaf.grad().to(cpu_device));
    return results;
  }

  std::vector<Tensor> on_device(std::vector<DType>& dtypes) const {
    const Stream device = Device{Device::Kind::cuda, 0};
    std::vector<Variable> leaves, variables;
    for (size_t i = 0; const Tensor& input : inputs()) {
      const Tensor value = input.to(device);
      const bool is_copy = kind(i++) == Narrow::matrix;
      leaves.emplace_back(is_copy ? value.cast(DType::float32) : value, true);
      variables.push_back(is_copy ? leaves.back().with_value(value) : leaves.back());
    }
    return run(GetParam().bfloat16 ? example().function : example().tf32, leaves, variables, dtypes);
  }

  std::vector<Tensor> in_float64(std::vector<DType>& dtypes) const {
    std::vector<Variable> leaves;
    for (const Tensor& input : inputs()) leaves.emplace_back(input.cast(DType::float64), true);
    return run(example().function, leaves, leaves, dtypes);
  }
};

TEST_P(LowerPrecision, IsWithinItsBoundOfFloat64) {
  std::vector<DType> dtypes;
  const std::vector<Tensor> actual = on_device(dtypes), expected = in_float64(dtypes);
  const double bound = GetParam().bfloat16 ? example().bfloat16_bound : example().tf32_bound;
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    const double error = max_difference(actual[i], expected[i]) / std::max(1.0, max_abs(expected[i]));
    EXPECT_LE(error, bound) << "result " << i;
    RecordProperty("error_" + std::to_string(i), std::to_string(error / bound));
  }
}

TEST_P(LowerPrecision, IsStoredAsItsKindSays) {
  std::vector<DType> dtypes;
  const std::vector<Tensor> results = on_device(dtypes);
  for (const DType dtype : dtypes)
    if (!is_complex(dtype)) {
      EXPECT_EQ(dtype, GetParam().bfloat16 ? DType::bfloat16 : DType::float32);
    }
  for (size_t k = dtypes.size(); k < results.size(); ++k)
    EXPECT_EQ(results[k].dtype(), kind(k - dtypes.size()) == Narrow::activation ? DType::bfloat16 : DType::float32)
        << "gradient of input " << k - dtypes.size();
}

TEST_P(LowerPrecision, SameBitsAgainAndWithOtherMemory) {
  std::vector<DType> dtypes;
  set_memory_poison(0xff);
  const std::vector<Tensor> first = on_device(dtypes);
  set_memory_poison(0x3e);
  const std::vector<Tensor> second = on_device(dtypes);
  set_memory_poison(0);
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i)
    EXPECT_EQ(std::memcmp(first[i].raw(), second[i].raw(), first[i].bytes()), 0) << "result " << i;
}

std::string test_name(const testing::TestParamInfo<Instance>& info) {
  std::string name = info.param.name;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Ops, LowerPrecision, testing::ValuesIn(all_instances()), test_name);

}  // namespace
}  // namespace sunder::cases
