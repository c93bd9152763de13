// Tensors of the public reference implementations, from $SUNDER_SHARED/golden/models (its README says what they are).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "files/safetensors.h"
#include "tests/paths.h"

namespace sunder {

inline std::filesystem::path shared_folder() {
  const char* folder = std::getenv("SUNDER_SHARED");
  return folder ? folder : source_folder + "/../shared";
}

// Without the reference data a test skips, visibly; where SUNDER_REQUIRE_SHARED=1 it fails.
#define SUNDER_NEEDS_SHARED(path)                                                                        \
  if (!std::filesystem::exists(::sunder::shared_folder() / (path))) {                                    \
    const char* required = std::getenv("SUNDER_REQUIRE_SHARED");                                         \
    if (required && std::string(required) == "1") FAIL() << "no " << ::sunder::shared_folder() / (path); \
    GTEST_SKIP() << "no " << ::sunder::shared_folder() / (path);                                         \
  }

class Golden {
 public:
  // `name` without folder and extension. Tensors come as float64, or as float32.
  Golden(const std::string& name, DType dtype)
      : dtype_(dtype), file_(read_safetensors(shared_folder() / "golden/models" / (name + ".safetensors"))) {}

  Tensor operator()(const std::string& name) const {
    const auto found = file_.tensors.find(name);
    if (found == file_.tensors.end()) throw_error("no tensor {} among the reference data", name);
    return found->second.cast(dtype_);
  }
  double constant(const std::string& name) const { return std::stod(file_.metadata.at(name)); }
  const SafeTensors& file() const { return file_; }

  // The README's rule: largest |difference| <= tolerance * max(largest |golden|, 1e-3 * G) with G the largest entry of
  // all gradients of the loss for a gradient, 0 for a result. `float32`: PyTorch's own deviation in float32, times ten.
  void expect_equal(const Tensor& actual, const std::string& name, double float32, double largest_gradient = 0) const {
    const Tensor expected = (*this)(name).cast(DType::float64);
    ASSERT_EQ(actual.shape(), expected.shape()) << name;
    const auto a = actual.cast(DType::float64).to_vector<double>(), b = expected.to_vector<double>();
    double difference = 0, largest = 1e-3 * largest_gradient;
    for (size_t i = 0; i < a.size(); ++i) {
      if (std::isnan(a[i])) difference = INFINITY;
      difference = std::max(difference, std::abs(a[i] - b[i]));
      largest = std::max(largest, std::abs(b[i]));
    }
    EXPECT_LE(difference, (dtype_ == DType::float64 ? 1e-9 : 10 * float32) * largest) << name;
  }
  // The largest entry of all tensors whose names begin so.
  double largest(const std::string& prefix) const {
    double result = 0;
    for (const auto& [name, tensor] : file_.tensors)
      if (name.starts_with(prefix))
        for (double value : tensor.cast(DType::float64).to_vector<double>()) result = std::max(result, std::abs(value));
    return result;
  }

 private:
  DType dtype_;
  SafeTensors file_;
};

}  // namespace sunder
