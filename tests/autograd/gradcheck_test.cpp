#include "autograd/gradcheck.h"

#include <gtest/gtest.h>

#include "autograd/ops.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/pointwise.h"

namespace sunder {
namespace {

Tensor numbers() { return Tensor::from(std::vector<double>{0.5, -1.5, 2, 0.25}, {2, 2}); }

// x^2 with a gradient that is off by `factor`.
Differentiable squares(double factor) {
  return [factor](const std::vector<Variable>& in) {
    return std::vector{record("square", square(in[0].value()), {in[0]},
                              [factor, x = in[0].value()](const Tensor& grad) -> std::vector<Tensor> {
                                return {scale(multiply(grad, x), 2 * factor)};
                              })};
  };
}

TEST(Gradcheck, AcceptsARightGradient) { EXPECT_LT(gradcheck(squares(1), {numbers()}).error, 1e-8); }

TEST(Gradcheck, NoticesAWrongGradient) {
  const GradcheckResult result = gradcheck(squares(1.001), {numbers()});
  EXPECT_GT(result.error, 1e-4);
  EXPECT_NE(result.detail.find("input 0 element"), std::string::npos) << result.detail;
}

TEST(Gradcheck, NoticesAMissingGradient) {
  const Differentiable function = [](const std::vector<Variable>& in) {
    return std::vector{record("square", square(in[0].value()), {in[0]},
                              [](const Tensor&) -> std::vector<Tensor> { return {Tensor()}; })};
  };
  EXPECT_GT(gradcheck(function, {numbers()}).error, 0.1);
}

TEST(Gradcheck, NoticesOneWrongElementOfOneInput) {
  const Differentiable function = [](const std::vector<Variable>& in) {
    return std::vector{record("multiply", multiply(in[0].value(), in[1].value()), {in[0], in[1]},
                              [a = in[0].value(), b = in[1].value()](const Tensor& grad) -> std::vector<Tensor> {
                                const Tensor grad_b = multiply(grad, a);
                                grad_b.mutable_data<double>()[2] += 1e-3;
                                return {multiply(grad, b), grad_b};
                              })};
  };
  const GradcheckResult result = gradcheck(function, {numbers(), numbers()});
  EXPECT_NEAR(result.error, 1e-3, 1e-3);
  EXPECT_NE(result.detail.find("input 1 element 2"), std::string::npos) << result.detail;
  EXPECT_LT(gradcheck(function, {numbers(), numbers()}, {true, false}).error, 1e-8) << "an input that is not checked";
}

TEST(Gradcheck, NoticesNaN) {
  const Differentiable function = [](const std::vector<Variable>& in) {
    return std::vector{record("square", square(in[0].value()), {in[0]}, [](const Tensor& grad) -> std::vector<Tensor> {
      return {Tensor::full(grad.shape(), std::nan(""), grad.dtype())};
    })};
  };
  EXPECT_FALSE(gradcheck(function, {numbers()}).error < 1e-3);
}

TEST(Gradcheck, HoldsComplexGradientsToTheConvention) {
  const Tensor z = Tensor::from(std::vector<complex128>{{1, 2}, {-0.5, 1}}, {2});
  // z^2 has the gradient dz conj(2 z); without the conjugate both parts of it are wrong.
  const auto squared = [](bool conjugate) -> Differentiable {
    return [conjugate](const std::vector<Variable>& in) {
      return std::vector{record("square", multiply(in[0].value(), in[0].value()), {in[0]},
                                [conjugate, z = in[0].value()](const Tensor& grad) -> std::vector<Tensor> {
                                  return {scale(conjugate ? multiply_conj(grad, z) : multiply(grad, z), 2)};
                                })};
    };
  };
  EXPECT_LT(gradcheck(squared(true), {z}).error, 1e-8);
  EXPECT_GT(gradcheck(squared(false), {z}).error, 0.1);
}

TEST(Gradcheck, RejectsSinglePrecision) {
  EXPECT_THROW(gradcheck(squares(1), {numbers().cast(DType::float32)}), Error);
}

}  // namespace
}  // namespace sunder
