#include "tensor/simd.h"

#include <gtest/gtest.h>

#include <string>

namespace sunder {
namespace {

// (1 + 2^-13)^2 - 1 - 2^-12 is 2^-26, or 0 where the product is rounded before the sum: tells whether the clone that
// runs has fused multiply-add.
SUNDER_SIMD void multiply_add(const float* a, const float* c, float* y, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = a[i] * a[i] + c[i];
}

TEST(SimdTest, KernelsRunAsTheLevelSays) {
  float a[32], c[32], y[32];
  std::fill(a, a + 32, 1 + 0x1p-13f);
  std::fill(c, c + 32, -(1 + 0x1p-12f));
  multiply_add(a, c, y, 32);
  EXPECT_EQ(y[0], simd_level() == std::string("baseline") ? 0.0f : 0x1p-26f) << simd_level();
}

}  // namespace
}  // namespace sunder
