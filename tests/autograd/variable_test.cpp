// The tape itself.
#include "autograd/variable.h"

#include <gtest/gtest.h>

#include "autograd/ops.h"
#include "tensor/memory.h"

namespace sunder {
namespace {

Tensor row(std::vector<double> values) {
  const int64_t count = static_cast<int64_t>(values.size());
  return Tensor::from(values, {count});
}

std::vector<double> values(const Tensor& tensor) { return tensor.to_vector<double>(); }

using Doubles = std::vector<double>;

template <class F>
void expect_error(const std::string& message, F&& call) {
  try {
    call();
    ADD_FAILURE() << "accepted what it should reject: " << message;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
  }
}

TEST(Variable, AddsTheGradientsOfEveryUse) {
  const Variable x(row({2, 3}), true);
  const Variable y = add(multiply(x, x), x);  // x^2 + x: three uses
  backward(y, row({1, 10}));
  EXPECT_EQ(values(x.grad()), (Doubles{5, 70}));
}

TEST(Variable, ReachesALeafOverPathsOfUnequalLength) {
  const Variable x(row({3}), true);
  const Variable square_x = square(x), fourth = square(square_x);
  backward(add(fourth, add(square_x, x)));  // 4 x^3 + 2 x + 1
  EXPECT_EQ(values(x.grad()), (Doubles{115}));
}

TEST(Variable, SharedGradientsStayApart) {
  // add hands one tensor to both inputs: what is added to one leaf must not show in the other.
  const Variable a(row({1}), true), b(row({1}), true);
  backward(add(add(a, b), a));
  EXPECT_EQ(values(a.grad()), (Doubles{2}));
  EXPECT_EQ(values(b.grad()), (Doubles{1}));
  backward(scale(a, 5));
  EXPECT_EQ(values(a.grad()), (Doubles{7}));
  EXPECT_EQ(values(b.grad()), (Doubles{1}));
}

TEST(Variable, TwoBackwardCallsAccumulate) {
  const Variable x(row({2}), true);
  backward(square(x));
  backward(square(x));
  EXPECT_EQ(values(x.grad()), (Doubles{8}));
}

TEST(Variable, ZeroGradForgets) {
  const Variable x(row({2}), true);
  EXPECT_FALSE(x.grad().defined());
  backward(square(x));
  x.zero_grad();
  EXPECT_FALSE(x.grad().defined());
  backward(square(x));
  EXPECT_EQ(values(x.grad()), (Doubles{4}));
}

TEST(Variable, KeepsItsGradientWhereItIsTold) {
  const Tensor flat = Tensor::full({4}, 9, DType::float64);
  const Variable x(row({2, 3}), true);
  x.keep_grad_in(flat.slice(1, 3));
  backward(sum(square(x)));
  EXPECT_EQ(values(flat), (Doubles{9, 4, 6, 9})) << "the first gradient overwrites";
  backward(sum(square(x)));
  EXPECT_EQ(values(flat), (Doubles{9, 8, 12, 9})) << "the second adds";
  x.zero_grad();
  backward(sum(x));
  EXPECT_EQ(values(flat), (Doubles{9, 1, 1, 9})) << "after zero_grad it overwrites";
  expect_error("[keep_grad_in] expected a gradient float64 (2)", [&] { x.keep_grad_in(flat); });
}

TEST(Variable, NoGradRecordsNothing) {
  const Variable x(row({2}), true);
  {
    const NoGrad outer;
    { const NoGrad inner; }
    EXPECT_FALSE(square(x).requires_grad());
  }
  EXPECT_TRUE(square(x).requires_grad());
}

TEST(Variable, DetachCutsTheTape) {
  const Variable x(row({3}), true);
  const Variable fixed = square(x).detach();
  EXPECT_FALSE(fixed.requires_grad());
  EXPECT_EQ(values(fixed.value()), (Doubles{9}));
  backward(multiply(fixed, x));
  EXPECT_EQ(values(x.grad()), (Doubles{9}));
}

TEST(Variable, ConstantsGetNoGradient) {
  const Variable x(row({3}), true), constant(row({5}));
  backward(multiply(x, constant));
  EXPECT_EQ(values(x.grad()), (Doubles{5}));
  expect_error("[grad] expected a leaf with requires_grad", [&] { constant.grad(); });
  expect_error("[grad] expected a leaf with requires_grad", [&] { square(x).grad(); });
}

// (x^2, x^3) with the gradients that arrived noted down.
std::vector<Variable> powers(const Variable& x, std::vector<bool>& arrived) {
  const Tensor v = x.value();
  const double value = v.item();
  return record_many("powers", {row({value * value}), row({value * value * value})}, {x},
                     [value, &arrived](const std::vector<Tensor>& grads) -> std::vector<Tensor> {
                       double total = 0;
                       arrived.clear();
                       for (size_t k = 0; k < grads.size(); ++k) {
                         arrived.push_back(grads[k].defined());
                         if (grads[k].defined()) total += grads[k].item() * (k == 0 ? 2 * value : 3 * value * value);
                       }
                       return {row({total})};
                     });
}

TEST(Variable, FunctionsOfManyOutputs) {
  std::vector<bool> arrived;
  const Variable x(row({2}), true);
  const auto both = powers(x, arrived);
  backward(add(scale(both[0], 10), both[1]));
  EXPECT_EQ(values(x.grad()), (Doubles{52}));  // 10 * 2 x + 3 x^2
  EXPECT_EQ(arrived, (std::vector{true, true}));
}

TEST(Variable, OutputsThatNothingFlowedToAreNotDefined) {
  std::vector<bool> arrived;
  const Variable x(row({2}), true);
  backward(powers(x, arrived)[1]);
  EXPECT_EQ(values(x.grad()), (Doubles{12}));
  EXPECT_EQ(arrived, (std::vector{false, true}));
}

TEST(Variable, BackwardFromManyOutputs) {
  const Variable x(row({2}), true);
  const Variable a = square(x), b = scale(a, 3);  // b depends on a: both are given a gradient
  backward({a, b}, {row({1}), row({10})});
  EXPECT_EQ(values(x.grad()), (Doubles{124}));
}

TEST(Variable, RejectsAGradientOfAnotherShape) {
  const Variable x(row({1, 2}), true);
  const auto returns = [&](Tensor wrong) {
    return record("broken", row({1}), {x}, [wrong](const Tensor&) -> std::vector<Tensor> { return {wrong}; });
  };
  expect_error("[broken] expected a gradient float64 (2) on cpu, got float64 (3) on cpu", [&] {
    backward(returns(row({1, 2, 3})));
  });
  expect_error("[broken] expected a gradient float64 (2) on cpu, got float32 (2) on cpu", [&] {
    backward(returns(row({1, 2}).cast(DType::float32)));
  });
  expect_error("[backward] expected a gradient float64 (2) on cpu, got float64 (1) on cpu",
               [&] { backward(square(x), row({1})); });
  expect_error("[backward] expected one element or a gradient to start from, got float64 (2) on cpu",
               [&] { backward(square(x)); });
  expect_error("[backward] expected an output that depends on a leaf", [&] { backward(square(Variable(row({1})))); });
  EXPECT_FALSE(x.grad().defined()) << "nothing is left behind by a call that failed";
}

TEST(Variable, RejectsAUsedTape) {
  const Variable x(row({2}), true), y = square(x), z = scale(y, 3);
  backward(z);
  expect_error("[scale] expected a tape that has not been used", [&] { backward(z); });
  expect_error("[square] expected a tape that has not been used", [&] { backward(add(y, y)); });
}

TEST(Variable, BackwardFreesWhatTheTapeKept) {
  const Variable x(Tensor::full({1000}, 2, DType::float64), true);
  const size_t leaves = memory_stats(cpu_device).bytes_in_use;
  Variable loss = sum(square(square(square(x))));
  const size_t before = memory_stats(cpu_device).bytes_in_use;
  EXPECT_GE(before, leaves + 2 * 8000) << "the inputs of two squares are kept";
  backward(loss);
  const size_t after = memory_stats(cpu_device).bytes_in_use;
  EXPECT_LE(after, leaves + 8000 + 1024) << "the gradient and the loss are left";
  EXPECT_EQ(loss.value().item(), 1000 * 256.0);
}

TEST(Variable, GradientOfSquaredMagnitudeIsTwiceTheNumber) {
  // |z|^2 = Re(z conj(z)); with dL/dRe + i dL/dIm as the gradient it is 2 z.
  const std::vector<complex128> numbers{{3, -4}, {0.5, 2}, {-1, 0}};
  const Variable z(Tensor::from(numbers, {3}), true);
  const Tensor conjugate = Tensor::from(std::vector<complex128>{{3, 4}, {0.5, -2}, {-1, 0}}, {3});
  // With conj(z) as a constant the formula sees half of it: d Re(z w) = conj(w) = z.
  backward(sum(multiply(z, Variable(conjugate))), Tensor::from(std::vector<complex128>{{1, 0}}, {}));
  EXPECT_EQ(z.grad().to_vector<complex128>(), numbers);
  // The other half by way of z^2: d Re(z^2) = 2 conj(z).
  z.zero_grad();
  backward(sum(multiply(z, z)), Tensor::from(std::vector<complex128>{{1, 0}}, {}));
  EXPECT_EQ(z.grad().to_vector<complex128>(), (std::vector<complex128>{{6, 8}, {1, -4}, {-2, 0}}));
}

}  // namespace
}  // namespace sunder
