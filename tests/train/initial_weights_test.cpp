#include "train/initial_weights.h"

#include <gtest/gtest.h>

#include "files/safetensors.h"
#include "tensor/error.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class InitialWeightsTest : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    parameters_.declare(&a_, {"a", {2}, Init::constant(1)});
    parameters_.declare(&b_, {"b", {3}, Init::constant(1)});
    parameters_.allocate(DType::float32, cpu_device, 0);
  }
  static Tensor full(Shape shape, double value) { return Tensor::full(std::move(shape), value, DType::float32); }
  std::string file(const std::map<std::string, Tensor>& tensors) const {
    write_safetensors(folder_ / "model.safetensors", tensors, {{"sample_rate", "16000"}});
    return (folder_ / "model.safetensors").string();
  }
  std::string refusal(const std::string& path, bool partial) const {
    try {
      load_initial_weights(parameters_, path, partial);
    } catch (const ModelError& error) {
      return error.what();
    }
    return "";
  }
  Variable a_, b_;
  Parameters parameters_;
};

TEST_F(InitialWeightsTest, AllThatMatchAreTaken) {
  const std::string path = file({{"a", full({2}, 5)}, {"b", full({3}, 6)}});
  for (const bool partial : {false, true}) {
    const InitialWeights weights = load_initial_weights(parameters_, path, partial);
    EXPECT_EQ(weights.sample_rate, 16000);
    EXPECT_EQ(weights.report, std::vector<std::string>{"initial weights from " + path + ": 2 of 2 tensors"});
  }
  EXPECT_EQ(a_.value().to_vector<float>(), std::vector<float>(2, 5));
  EXPECT_EQ(b_.value().to_vector<float>(), std::vector<float>(3, 6));
}

TEST_F(InitialWeightsTest, WhatDoesNotMatchIsRefusedOrReported) {
  const std::string path = file({{"a", full({2}, 5)}, {"b", full({4}, 6)}, {"c", full({1}, 7)}});
  EXPECT_EQ(refusal(path, false),
            path +
                ": expected b of shape (3), found float32 (4) on cpu; 1 tensors match, 0 are missing, 1 have another "
                "shape and 1 are unused: train.init_partial = true takes those that match");
  EXPECT_EQ(a_.value().to_vector<float>(), std::vector<float>(2, 1)) << "a refused file changes nothing";
  const InitialWeights weights = load_initial_weights(parameters_, path, true);
  EXPECT_EQ(weights.report, (std::vector<std::string>{
                                "initial weights from " + path + ": 1 of 2 tensors",
                                "initial weights: 1 of another shape there, which begin at random: b (4), here (3)",
                                "initial weights: 1 unused: c"}));
  EXPECT_EQ(a_.value().to_vector<float>(), std::vector<float>(2, 5));
  EXPECT_EQ(b_.value().to_vector<float>(), std::vector<float>(3, 1));
  const std::string less = file({{"b", full({3}, 9)}});
  EXPECT_EQ(load_initial_weights(parameters_, less, true).report[1],
            "initial weights: 1 missing there, which begin at random: a");
}

TEST_F(InitialWeightsTest, AtLeastOneTensorMatchesAndAllAreFinite) {
  EXPECT_EQ(refusal(file({{"x", full({2}, 5)}}), true),
            (folder_ / "model.safetensors").string() +
                ": expected at least one of the network's 2 tensors by name and shape, found none of 1");
  const std::string path = file({{"a", full({2}, NAN)}, {"b", full({3}, 6)}});
  for (const bool partial : {false, true})
    EXPECT_EQ(refusal(path, partial), path + ": expected finite numbers in the tensor a, found nan at 0");
}

}  // namespace
}  // namespace sunder
