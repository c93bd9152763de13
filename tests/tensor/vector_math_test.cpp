#include "tensor/vector_math.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tensor/random.h"

namespace sunder {
namespace {

// Compiled like a kernel, so that what runs on this machine (fused multiply-add or not) is what is tested.
template <class T, class F>
SUNDER_SIMD void apply(F function, const T* x, T* y, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = function(x[i]);
}

struct Exp {
  template <class T>
  SUNDER_INLINE T operator()(T x) const {
    return fast_exp(x);
  }
};
struct Expm1 {
  template <class T>
  SUNDER_INLINE T operator()(T x) const {
    return fast_expm1(x);
  }
};
struct Sigmoid {
  template <class T>
  SUNDER_INLINE T operator()(T x) const {
    return fast_sigmoid(x);
  }
};
struct Tanh {
  template <class T>
  SUNDER_INLINE T operator()(T x) const {
    return fast_tanh(x);
  }
};
struct Log {
  template <class T>
  SUNDER_INLINE T operator()(T x) const {
    return fast_log(x);
  }
};

template <class T>
double ulps(T got, long double want) {
  const T rounded = static_cast<T>(want);
  if (got == rounded) return 0;
  const T above = std::nextafter(std::abs(rounded), std::numeric_limits<T>::infinity());
  return static_cast<double>(std::abs(got - want) / (above - std::abs(rounded)));
}

// Values evenly spread over [low, high], and as many of every magnitude down to 1e-18.
template <class T>
std::vector<T> values(double low, double high) {
  std::vector<T> result;
  Random random(3, RandomUse::test);
  for (int i = 0; i < 300000; ++i) {
    result.push_back(static_cast<T>(random.uniform(low, high)));
    const double small = std::exp2(random.uniform(-60, 10)) * (random.flip() ? 1 : -1);
    if (small >= low && small <= high) result.push_back(static_cast<T>(small));
  }
  return result;
}

template <class T, class F, class Reference>
void expect_within(F function, Reference reference, double low, double high, double bound) {
  const std::vector<T> x = values<T>(low, high);
  std::vector<T> y(x.size());
  apply(function, x.data(), y.data(), static_cast<int64_t>(x.size()));
  double worst = 0;
  T at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = ulps(y[i], reference(static_cast<long double>(x[i])));
    if (!(error <= worst)) worst = error, at = x[i];
  }
  EXPECT_LE(worst, bound) << "at " << at;
}

template <class T, class F>
T one(F function, T x) {
  std::vector<T> in(16, x), out(16);
  apply(function, in.data(), out.data(), 16);
  return out[5];
}

template <class T>
class VectorMathTest : public testing::Test {
 protected:
  static constexpr T infinity = std::numeric_limits<T>::infinity();
  static constexpr bool single = sizeof(T) == 4;
  static constexpr double smallest = single ? -87.3 : -708.3, largest = single ? 88.7 : 709.7;  // normal results
};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(VectorMathTest, Reals);

TYPED_TEST(VectorMathTest, ExpIsWithinItsBound) {
  const auto exact = [](long double x) { return std::exp(x); };
  expect_within<TypeParam>(Exp{}, exact, this->smallest, this->largest, fast_exp_ulp);
  expect_within<TypeParam>(Exp{}, exact, this->single ? -110 : -750, this->smallest, fast_exp_ulp);  // denormal results
}

TYPED_TEST(VectorMathTest, Expm1IsWithinItsBound) {
  expect_within<TypeParam>(
      Expm1{}, [](long double x) { return std::expm1(x); }, this->smallest, 80, fast_expm1_ulp);
}

TYPED_TEST(VectorMathTest, SigmoidIsWithinItsBound) {
  expect_within<TypeParam>(
      Sigmoid{}, [](long double x) { return 1 / (1 + std::exp(-x)); }, this->smallest, this->largest, fast_sigmoid_ulp);
}

TYPED_TEST(VectorMathTest, TanhIsWithinItsBound) {
  expect_within<TypeParam>(
      Tanh{}, [](long double x) { return std::tanh(x); }, -1000, 1000, fast_tanh_ulp);
}

TYPED_TEST(VectorMathTest, LogIsWithinItsBound) {
  const auto exact = [](long double x) { return std::log(x); };
  expect_within<TypeParam>(Log{}, exact, this->single ? 1.2e-38 : 2.3e-308, this->single ? 3e38 : 1e308, fast_log_ulp);
  expect_within<TypeParam>(Log{}, exact, 0.5, 2, fast_log_ulp);
}

TYPED_TEST(VectorMathTest, SpecialValuesAreExact) {
  using T = TypeParam;
  const T inf = this->infinity, nan = std::numeric_limits<T>::quiet_NaN();
  EXPECT_EQ(one(Exp{}, T(0)), T(1));
  EXPECT_EQ(one(Exp{}, inf), inf);
  EXPECT_EQ(one(Exp{}, -inf), T(0));
  EXPECT_EQ(one(Exp{}, T(1000)), inf);
  EXPECT_EQ(one(Exp{}, T(-1000)), T(0));
  EXPECT_EQ(one(Expm1{}, T(0)), T(0));
  EXPECT_EQ(one(Expm1{}, -inf), T(-1));
  EXPECT_EQ(one(Sigmoid{}, T(0)), T(0.5));
  EXPECT_EQ(one(Sigmoid{}, inf), T(1));
  EXPECT_EQ(one(Sigmoid{}, -inf), T(0));
  EXPECT_EQ(one(Tanh{}, inf), T(1));
  EXPECT_EQ(one(Tanh{}, -inf), T(-1));
  EXPECT_TRUE(std::signbit(one(Tanh{}, T(-0.0))));
  EXPECT_EQ(one(Log{}, T(1)), T(0));
  EXPECT_TRUE(std::isnan(one(Log{}, nan)));
  EXPECT_TRUE(std::isnan(one(Exp{}, nan)));
  EXPECT_TRUE(std::isnan(one(Expm1{}, nan)));
  EXPECT_TRUE(std::isnan(one(Sigmoid{}, nan)));
  EXPECT_TRUE(std::isnan(one(Tanh{}, nan)));
}

}  // namespace
}  // namespace sunder
