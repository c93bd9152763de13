#include "nn/separation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/files/scratch_folder.h"
#include "tests/nn/alternating_network.h"

namespace sunder {
namespace {

TEST(Separation, ShortSignalsArePaddedAndCut) {
  const Alternating network;
  const Tensor batch = separate_batch(network, Tensor::full({2, 4}, -0.5, DType::float32));
  EXPECT_EQ(batch.shape(), (Shape{2, 2, 4}));
  EXPECT_EQ(batch.slice(1, 2).to_vector<float>(), (std::vector<float>{0, 0, 0, 0, -0.5f, -0.5f, -0.5f, -0.5f}));
  EXPECT_EQ(network.longest, 10);
}

TEST(Separation, EstimatesThatAreNotFiniteAreRefused) {
  const Alternating network;
  EXPECT_THROW(separate_batch(network, Tensor::full({1, 20}, INFINITY, DType::float32)), Error);
}

// Overflows beyond a level; or always.
class Overflowing : public Alternating {
 public:
  explicit Overflowing(float limit) : limit_(limit) {}
  Variable forward(const Tensor& mixture) const override {
    const std::vector<float> samples = mixture.to_vector<float>();
    const bool over = *std::max_element(samples.begin(), samples.end()) > limit_;
    return over ? Variable(Tensor::full({mixture.size(0), 2, mixture.size(1)}, NAN, DType::float32))
                : Alternating::forward(mixture);
  }

 private:
  float limit_;
};

TEST(Separation, LoudnessIsBlamedWhereItIsTheCause) {
  const Tensor loud = Tensor::full({1, 20}, 5e20, DType::float32), quiet = Tensor::full({1, 20}, 0.5, DType::float32);
  expect_error<Error>([&] { separate_batch(Overflowing(1e10f), loud); }, {"too loud", "samples reach 5e+20"});
  for (const Tensor& mixture : {loud, quiet})
    expect_error<Error>([&] { separate_batch(Overflowing(0), mixture); }, {"is it the right model file?"});
}

}  // namespace
}  // namespace sunder
