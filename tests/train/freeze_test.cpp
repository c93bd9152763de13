#include "train/freeze.h"

#include <gtest/gtest.h>

#include "tensor/error.h"

namespace sunder {
namespace {

class Freeze : public testing::Test {
 protected:
  void SetUp() override {
    const char* names[] = {"encoder.weight", "mask_generator.input_norm.bias", "mask_generator.input_norm.weight",
                           "mask_generator.output_conv.weight"};
    for (size_t i = 0; i < 4; ++i) parameters_.declare(&slots_[i], {names[i], {2}, Init::constant(0)});
    parameters_.allocate(DType::float32, cpu_device, 0);
  }
  std::string refusal(const std::string& patterns) const {
    try {
      matching_parameters(patterns, parameters_);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  Variable slots_[4];
  Parameters parameters_;
};

TEST_F(Freeze, PatternsChooseNames) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(matching_parameters("encoder.weight", parameters_), Names{"encoder.weight"});
  EXPECT_EQ(matching_parameters("mask_generator.input*, encoder.*", parameters_),
            (Names{"encoder.weight", "mask_generator.input_norm.bias", "mask_generator.input_norm.weight"}));
  EXPECT_EQ(matching_parameters("*.weigh?,encoder.weight", parameters_),
            (Names{"encoder.weight", "mask_generator.input_norm.weight", "mask_generator.output_conv.weight"}));
  EXPECT_EQ(describe_frozen({"encoder.weight", "mask_generator.input_norm.bias"}, parameters_),
            "frozen: 2 of 4 tensors (4 of 8 parameters): encoder.weight, mask_generator.input_norm.bias");
}

TEST_F(Freeze, APatternThatMatchesNothingNamesTheNearest) {
  EXPECT_EQ(
      refusal("encoder.*,mask_generator.outptu*"),
      "optim.freeze: expected patterns of parameter names, got 'mask_generator.outptu*', which none matches; near: "
      "mask_generator.output_conv.weight, mask_generator.input_norm.bias, mask_generator.input_norm.weight");
  EXPECT_NE(refusal("encodr.*").find("near: encoder.weight"), std::string::npos);
  EXPECT_NE(refusal("encoder.*,,").find("got ''"), std::string::npos);
  EXPECT_NE(refusal("*").find("nothing is left to train"), std::string::npos);
}

}  // namespace
}  // namespace sunder
