#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tensor/memory.h"

namespace sunder {
namespace {

std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

Tensor counting(Shape shape) {
  std::vector<float> values(static_cast<size_t>(numel(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return Tensor::from(values, std::move(shape));
}

TEST(TensorTest, ReportsItsShape) {
  const Tensor x = counting({2, 3, 4});
  EXPECT_EQ(x.dim(), 3);
  EXPECT_EQ(x.numel(), 24);
  EXPECT_EQ(x.size(1), 3);
  EXPECT_EQ(x.size(-1), 4);
  EXPECT_EQ(x.bytes(), 96u);
  EXPECT_EQ(describe(x), "float32 (2, 3, 4) on cpu");
  EXPECT_EQ(describe(Tensor()), "no tensor");
  EXPECT_EQ(message([&] { x.size(3); }), "[size] expected an axis of (2, 3, 4), got 3");
  EXPECT_EQ(message([&] { x.size(-4); }), "[size] expected an axis of (2, 3, 4), got -4");
}

TEST(TensorTest, ReshapeSharesMemory) {
  const Tensor x = counting({2, 3, 4}), y = x.reshape({6, -1});
  EXPECT_EQ(y.shape(), (Shape{6, 4}));
  y.mutable_data<float>()[5] = 100;
  EXPECT_EQ(x.data<float>()[5], 100);
  EXPECT_EQ(counting({1}).reshape({}).shape(), Shape{});
  EXPECT_EQ(message([&] { x.reshape({5, -1}); }), "[reshape] expected a shape of 24 elements, got (5, 4)");
  EXPECT_EQ(message([&] { x.reshape({-1, -1}); }), "[reshape] expected sizes of at least 0 and one -1, got (-1, -1)");
  EXPECT_EQ(message([&] { x.reshape({7, 4}); }), "[reshape] expected a shape of 24 elements, got (7, 4)");
}

TEST(TensorTest, BorrowedMemoryIsTheCallers) {
  std::vector<float> values{0, 1, 2, 3, 4, 5};
  const size_t before = memory_stats(cpu_device).bytes_in_use;
  {
    const Tensor x = Tensor::borrow(values.data(), {2, 3}, DType::float32), row = x.slice(1, 2);
    EXPECT_EQ(describe(x), "float32 (2, 3) on cpu");
    EXPECT_EQ(x.raw(), reinterpret_cast<std::byte*>(values.data()));
    EXPECT_EQ(memory_stats(cpu_device).bytes_in_use, before);
    row.mutable_data<float>()[0] = 7;
    values[4] = 8;
    EXPECT_EQ(row.reshape({3}).to_vector<float>(), (std::vector<float>{7, 8, 5}));
    EXPECT_EQ(x.clone().to_vector<float>(), values);
  }
  EXPECT_EQ(values, (std::vector<float>{0, 1, 2, 7, 8, 5}));
  EXPECT_TRUE(Tensor::borrow(nullptr, {0, 3}, DType::float32).defined());
  EXPECT_EQ(message([&] { Tensor::borrow(nullptr, {1}, DType::float32); }),
            "[borrow] expected an address of 4-byte values, got 0x0");
  EXPECT_NE(message([&] { Tensor::borrow(values.data() + 1, {1}, DType::complex64); }).find("of 8-byte values, got 0x"),
            std::string::npos);
  EXPECT_EQ(message([&] {
              Tensor::borrow(values.data(), {-2, -3}, DType::float32);
            }),
            "[borrow] expected sizes of at least 0, got (-2, -3)");
}

TEST(TensorTest, PairsOfRealsAreComplexNumbers) {
  const Tensor x = counting({3, 2}), z = x.as_complex();
  EXPECT_EQ(describe(z), "complex64 (3) on cpu");
  EXPECT_EQ(z.to_vector<complex64>(), (std::vector<complex64>{{0, 1}, {2, 3}, {4, 5}}));
  EXPECT_EQ(describe(z.slice(1, 3).as_real()), "float32 (2, 2) on cpu");
  z.slice(1, 3).as_real().mutable_data<float>()[3] = -1;
  EXPECT_EQ(x.data<float>()[5], -1);
  EXPECT_EQ(message([&] {
              counting({2, 3}).as_complex();
            }),
            "[as_complex] expected a float32 or float64 tensor with 2 as its last size, got float32 (2, 3) on cpu");
  EXPECT_EQ(message([&] { z.as_complex(); }),
            "[as_complex] expected a float32 or float64 tensor with 2 as its last size, got complex64 (3) on cpu");
  EXPECT_EQ(message([&] { x.as_real(); }), "[as_real] expected a complex tensor, got float32 (3, 2) on cpu");
}

TEST(TensorTest, SliceIsAViewOfTheFirstAxis) {
  const Tensor x = counting({5, 2}), y = x.slice(1, 4), z = y.slice(1, 2);
  EXPECT_EQ(y.shape(), (Shape{3, 2}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(z.to_vector<float>(), (std::vector<float>{4, 5}));
  z.mutable_data<float>()[0] = -1;
  EXPECT_EQ(x.data<float>()[4], -1);
  EXPECT_EQ(x.slice(5, 5).numel(), 0);
  EXPECT_EQ(message([&] { x.slice(2, 6); }), "[slice] expected a range of the first axis of (5, 2), got [2, 6)");
  EXPECT_EQ(message([&] { x.slice(3, 2); }), "[slice] expected a range of the first axis of (5, 2), got [3, 2)");
  EXPECT_EQ(message([&] { counting({}).slice(0, 1); }), "[slice] expected a range of the first axis of (), got [0, 1)");
}

TEST(TensorTest, AViewKeepsTheMemoryAlive) {
  Tensor view;
  {
    const Tensor x = counting({100, 10});
    view = x.slice(50, 51);
  }
  EXPECT_EQ(view.data<float>()[0], 500);
}

TEST(TensorTest, CloneAndCopyAreApart) {
  const Tensor x = counting({3}), copy = x.clone();
  copy.mutable_data<float>()[0] = 7;
  EXPECT_EQ(x.data<float>()[0], 0);
  x.copy_from(copy);
  EXPECT_EQ(x.data<float>()[0], 7);
  EXPECT_EQ(message([&] { x.copy_from(counting({4})); }),
            "[copy_from] expected float32 (3) on cpu, got float32 (4) on cpu");
  EXPECT_EQ(message([&] { x.copy_from(x.cast(DType::float64)); }),
            "[copy_from] expected float32 (3) on cpu, got float64 (3) on cpu");
}

TEST(TensorTest, CastsWithinRealAndComplex) {
  const Tensor wide = Tensor::from(std::vector<double>{1.0 / 3, -2}, {2});
  EXPECT_EQ(wide.cast(DType::float32).to_vector<float>(), (std::vector<float>{1.0f / 3, -2}));
  EXPECT_EQ(wide.cast(DType::float64).raw(), wide.raw()) << "nothing to change: no copy";
  const Tensor z = Tensor::from(std::vector<complex64>{{1, 2}}, {1});
  EXPECT_EQ(z.cast(DType::complex128).to_vector<complex128>()[0], complex128(1, 2));
  EXPECT_EQ(message([&] { wide.cast(DType::complex64); }),
            "[cast] expected two precisions of real or of complex numbers, got float64 (2) on cpu to complex64");
}

TEST(TensorTest, Bfloat16KeepsWhatIsNoNumberAndTheSmallest) {
  constexpr float infinity = std::numeric_limits<float>::infinity(), largest = 0x1.fep127f, smallest = 0x1p-133f;
  const std::vector<float> kept = {infinity, -infinity, 0.0f, -0.0f, largest, -smallest};
  EXPECT_EQ(Tensor::from(kept, {6}).cast(DType::bfloat16).cast(DType::float32).to_vector<float>(), kept);
  const std::vector<float> lost = {std::numeric_limits<float>::max(), std::numeric_limits<float>::quiet_NaN(),
                                   0x1p-135f};
  const auto got = Tensor::from(lost, {3}).cast(DType::bfloat16).cast(DType::float32).to_vector<float>();
  EXPECT_EQ(got[0], infinity) << "the nearest";
  EXPECT_TRUE(std::isnan(got[1]));
  EXPECT_EQ(got[2], 0);
}

TEST(TensorTest, FillsAndReadsValues) {
  EXPECT_EQ(Tensor::zeros({2}, DType::complex64).to_vector<complex64>(), (std::vector<complex64>{0, 0}));
  EXPECT_EQ(Tensor::full({2}, 1.5, DType::float64).to_vector<double>(), (std::vector<double>{1.5, 1.5}));
  EXPECT_EQ(Tensor::full({}, -3, DType::int64).item(), -3);
  EXPECT_EQ(counting({1, 1}).item(), 0);
  EXPECT_EQ(message([] { counting({2}).item(); }), "[item] expected one element, got float32 (2) on cpu");
}

TEST(TensorTest, RejectsWhatDoesNotFit) {
  EXPECT_EQ(message([] {
              Tensor::empty({2, -1}, DType::float32);
            }),
            "[empty] expected sizes of at least 0, got (2, -1)");
  EXPECT_EQ(message([] {
              Tensor::from(std::vector<float>{1, 2, 3}, {2, 2});
            }),
            "[from] expected 4 values for (2, 2), got 3");
  EXPECT_EQ(message([] { counting({2}).data<double>(); }), "[data] expected float64, got float32 (2) on cpu");
}

TEST(TensorTest, ChecksNameTheArgument) {
  const Tensor x = counting({2, 3});
  check_shape("op", "x", x, {-1, 3});
  EXPECT_EQ(message([&] {
              check_shape("op", "x", x, {2, 4});
            }),
            "[op] expected x of shape (2, 4), got float32 (2, 3) on cpu");
  EXPECT_EQ(message([&] { check_shape("op", "x", Tensor(), {2}); }), "[op] expected x of shape (2), got no tensor");
  EXPECT_EQ(message([&] { check_dim("op", "x", x, 3); }), "[op] expected x with 3 axes, got float32 (2, 3) on cpu");
  const Tensor wide = x.cast(DType::float64);
  EXPECT_EQ(message([&] {
              check_alike("op", {&x, &wide});
            }),
            "[op] expected tensors of one dtype on one stream, got float32 (2, 3) on cpu and float64 (2, 3) on cpu");
}

TEST(TensorTest, EmptyTensorsAreTensors) {
  const Tensor x = Tensor::empty({0, 3}, DType::float32);
  EXPECT_TRUE(x.defined());
  EXPECT_EQ(x.numel(), 0);
  EXPECT_EQ(x.clone().shape(), (Shape{0, 3}));
  EXPECT_TRUE(x.to_vector<float>().empty());
  EXPECT_FALSE(Tensor().defined());
}

}  // namespace
}  // namespace sunder
