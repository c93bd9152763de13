// Conv-TasNet with learned filters against torchaudio: estimates, loss and every gradient; lengths, padding and what
// estimates add up to.
#include "nn/conv_tasnet.h"

#include <gtest/gtest.h>

#include "objectives/pit.h"
#include "tensor/random.h"
#include "tests/golden.h"
#include "tests/nn/plain_networks.h"

namespace sunder {
namespace {

ConvTasNetConfig golden_config(const Golden& golden) {
  const auto size = [&](const char* name) { return static_cast<int64_t>(golden.constant(name)); };
  return {.sources = size("num_sources"),
          .num_filters = size("enc_num_feats"),
          .filter_length = size("enc_kernel_size"),
          .filter_stride = size("enc_kernel_size") / 2,
          .mask_activation = golden.file().metadata.at("msk_activate"),
          .num_feats = size("msk_num_feats"),
          .num_hidden = size("msk_num_hidden_feats"),
          .kernel_size = size("msk_kernel_size"),
          .num_layers = size("msk_num_layers"),
          .num_stacks = size("msk_num_stacks")};
}

class GoldenLearnedFilters : public testing::TestWithParam<DType> {};

TEST_P(GoldenLearnedFilters, ConvTasNetOfTorchaudio) {
  SUNDER_NEEDS_SHARED("golden/models/conv_tasnet_time.safetensors");
  const Golden golden("conv_tasnet_time", GetParam());
  const ConvTasNet network(golden_config(golden), GetParam(), cpu_device, /*seed=*/0);
  std::map<std::string, Tensor> weights;
  for (const auto& [name, tensor] : golden.file().tensors)
    if (name.starts_with("mask_generator.") || name == "encoder.weight" || name == "decoder.weight")
      weights[name] = tensor;
  network.parameters().load_state_dict(weights, "golden");
  const Tensor wave = golden("wave");
  const Variable estimates = network.forward(wave.reshape({wave.size(0), wave.size(2)}));
  // Ten times PyTorch's own deviation on the network with the same blocks (stft_conv_tasnet_s2).
  golden.expect_equal(estimates.value(), "estimate", 2e-6);
  golden.expect_equal(pit_snr(golden("target"), estimates).value(), "loss", 2e-6);
  backward(pit_loss(golden("target"), estimates));
  const double largest = golden.largest("grad.");
  for (const auto& [name, grad] : network.parameters().named(network.parameters().gradients())) {
    // A slope's gradient is one sum that can cancel almost to nothing (tests/nn/stft_conv_tasnet_test.cpp).
    const bool single = grad.numel() == 1 && grad.dtype() == DType::float32;
    golden.expect_equal(grad, "grad." + name, 9e-6, (single ? 10 : 1) * largest);
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, GoldenLearnedFilters, testing::Values(DType::float64, DType::float32),
                         [](const auto& instance) { return to_string(instance.param); });

Tensor noise(Shape shape, uint64_t which) {
  const Tensor result = Tensor::empty(std::move(shape), DType::float64);
  Random random(which, RandomUse::test);
  for (int64_t i = 0; i < result.numel(); ++i) result.mutable_data<double>()[i] = random.normal();
  return result;
}

ConvTasNetConfig small(const std::string& padding, int64_t length, int64_t stride) {
  return {.num_filters = 6,
          .filter_length = length,
          .filter_stride = stride,
          .filter_padding = padding,
          .num_feats = 3,
          .num_hidden = 4,
          .num_layers = 2,
          .num_stacks = 1};
}

// With masks of one half, estimates are half of what the two filter banks make of the mixture, straight from the
// definition of a convolution and of a transposed one.
TEST(LearnedFiltersTest, FramesAndOverlapsLieAsTorchaudioAndAsteroidPutThem) {
  for (const std::string padding : {"zeros", "none"})
    for (const auto& [window, stride] : {std::pair<int64_t, int64_t>{6, 3}, {7, 3}, {5, 5}, {8, 2}})
      for (int64_t length = 1; length < 30; ++length) {
        const ConvTasNet network(small(padding, window, stride), DType::float64, cpu_device, 3);
        if (length < network.shortest_input()) continue;
        const auto weights = network.parameters().state_dict();
        weights.at("mask_generator.output_conv.weight").zero();
        weights.at("mask_generator.output_conv.bias").zero();
        const double *encoder = weights.at("encoder.weight").data<double>(),
                     *decoder = weights.at("decoder.weight").data<double>();
        const Tensor mixture = noise({2, length}, 4);
        const Tensor estimates = network.forward(mixture).value();
        ASSERT_EQ(estimates.shape(), (Shape{2, 2, length}));
        const int64_t before = padding == "zeros" ? stride : 0;
        for (int64_t item = 0; item < 2; ++item) {
          std::vector<double> expected(length);
          const double* x = mixture.data<double>() + item * length;
          for (int64_t start = -before;; start += stride) {
            // A frame that has no sample before the signal's end is none; without padding it must lie inside.
            if (padding == "none" ? start + window > length : start + window > length + before + stride - 1) break;
            for (int64_t filter = 0; filter < 6; ++filter) {
              double feature = 0;
              for (int64_t i = 0; i < window; ++i)
                if (start + i >= 0 && start + i < length) feature += encoder[filter * window + i] * x[start + i];
              for (int64_t i = 0; i < window; ++i)
                if (start + i >= 0 && start + i < length)
                  expected[start + i] += 0.5 * feature * decoder[filter * window + i];
            }
          }
          for (int64_t s = 0; s < 2; ++s)
            for (int64_t i = 0; i < length; ++i)
              ASSERT_NEAR(estimates.data<double>()[(item * 2 + s) * length + i], expected[i], 1e-12)
                  << padding << " " << window << "/" << stride << " length " << length << " sample " << i;
        }
      }
}

TEST(LearnedFiltersTest, ConsistentEstimatesAddUpToTheMixtureAndOthersDoNot) {
  const Tensor mixture = noise({2, 50}, 5);
  for (const bool consistent : {true, false}) {
    ConvTasNetConfig config = small("zeros", 6, 3);
    config.mixture_consistency = consistent;
    const ConvTasNet network(config, DType::float64, cpu_device, 3);
    const Tensor total = sum(network.forward(mixture), {1}).value();
    double largest = 0;
    for (int64_t i = 0; i < mixture.numel(); ++i)
      largest = std::max(largest, std::abs(total.data<double>()[i] - mixture.data<double>()[i]));
    if (consistent) EXPECT_LT(largest, 1e-12);
    else EXPECT_GT(largest, 0.1);
  }
}

TEST(LearnedFiltersTest, HasThePapersNumberOfParameters) {
  // torchaudio.models.ConvTasNet, layer by layer; the paper's 5.1 million count a last residual that nothing reads.
  const int64_t blocks = 24,
                block = 512 * 128 + 512 + 1 + 2 * 512 + 512 * 3 + 512 + 1 + 2 * 512 + 2 * (128 * 512 + 128);
  const int64_t expected =
      2 * 512 * 16 + 2 * 512 + 512 * 128 + 128 + blocks * block - (128 * 512 + 128) + 1 + 128 * 1024 + 1024;
  EXPECT_EQ(ConvTasNet({}, DType::float32, cpu_device, 0).parameters().count(), expected);
}

TEST(LearnedFiltersTest, RejectsSizesThatMakeNoNetwork) {
  const auto make = [](ConvTasNetConfig config) { ConvTasNet(config, DType::float32, cpu_device, 0); };
  EXPECT_THROW(make({.filter_length = 4, .filter_stride = 5}), UsageError);
  EXPECT_THROW(make({.kernel_size = 4}), UsageError);
  EXPECT_THROW(make({.mask_activation = "softmax"}), UsageError);
  EXPECT_THROW(make({.filter_padding = "reflect"}), UsageError);
}

}  // namespace
}  // namespace sunder
