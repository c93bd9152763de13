// What other projects do before and after their networks: windows that are scaled, zeros around signals, means that are
// removed, masks of real and imaginary parts. Against plain loops, with their gradients, on every device.
#include <gtest/gtest.h>

#include "autograd/ops.h"
#include "nn/conv_tasnet.h"
#include "nn/remove_mean.h"
#include "nn/stft_conv_tasnet.h"
#include "nn/tfgridnet_separator.h"
#include "tensor/ops/stft.h"
#include "tensor/random.h"
#include "tests/cuda_device.h"
#include "tests/nn/plain_networks.h"

namespace sunder {
namespace {

Tensor noise(Shape shape, uint64_t which) {
  const Tensor result = Tensor::empty(std::move(shape), DType::float64);
  Random random(which, RandomUse::test);
  for (int64_t i = 0; i < result.numel(); ++i) result.mutable_data<double>()[i] = random.normal();
  return result;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

TEST(ConventionsTest, WindowsAreDividedAndSignalsPaddedAsNamed) {
  for (const int64_t n_fft : {16, 15}) {
    const int64_t hop = 5;
    const auto plain_window = make_window("hamming", n_fft, DType::float64).to_vector<double>();
    double sum = 0;
    for (const double value : plain_window) sum += value;
    const std::map<std::string, double> divisors = {{"none", 1},
                                                    {"sum", sum},
                                                    {"sqrt_n_fft", std::sqrt(static_cast<double>(n_fft))},
                                                    {"parseval", static_cast<double>(n_fft) / (2 * std::sqrt(5.0))}};
    for (const auto& [scale, divisor] : divisors)
      for (const std::string padding : {"reflect", "zeros"}) {
        const Stft transform({n_fft, hop, "hamming", scale, padding}, DType::float64);
        std::vector<double> window = plain_window;
        for (double& value : window) value /= divisor;
        for (const int64_t length : {9, 20, 41, 45}) {
          const Tensor signal = noise({length}, 3);
          // As many frames as it takes until one is centred at or behind the last sample.
          int64_t frames = 1;
          while ((frames - 1) * hop < length - n_fft % 2) ++frames;
          if (padding == "reflect") frames = (length - n_fft % 2) / hop + 1;
          ASSERT_EQ(transform.frames(length), frames);
          const Tensor spectrum = transform.forward(signal);
          ASSERT_EQ(spectrum.shape(), (Shape{frames, n_fft / 2 + 1}));
          const plain::Rows expected =
              plain::stft(signal.to_vector<double>(), window, hop, frames, padding == "reflect");
          for (int64_t t = 0; t < frames; ++t)
            for (int64_t k = 0; k < transform.bins(); ++k) {
              const complex128 value = spectrum.data<complex128>()[t * transform.bins() + k];
              ASSERT_NEAR(value.real(), expected[k][t], 1e-12) << n_fft << scale << padding << length;
              ASSERT_NEAR(value.imag(), expected[transform.bins() + k][t], 1e-12);
            }
          EXPECT_LT(largest_difference(transform.inverse(spectrum, length), signal), 1e-12) << "the inverse undoes it";
        }
      }
  }
}

TEST(ConventionsTest, GradientsPassThroughZerosThereAndBack) {
  const Stft transform({32, 8, "hann", "sum", "zeros"}, DType::float64);
  const Variable signal(noise({2, 101}, 4), true);
  const Tensor cotangent = noise({2, 101}, 5);
  backward(transform.inverse(transform.forward(signal), 101), cotangent);
  EXPECT_LT(largest_difference(signal.grad(), cotangent), 1e-12);
}

TEST(ConventionsTest, UnknownNamesAreRefused) {
  EXPECT_THROW(Stft({16, 4, "hann", "mean", "reflect"}), UsageError);
  EXPECT_THROW(Stft({16, 4, "hann", "sum", "circular"}), UsageError);
  StftConvTasNetConfig config{.num_feats = 4, .num_hidden = 4};
  config.features = "real_imag";
  EXPECT_THROW(StftConvTasNet(config, DType::float64, cpu_device, 0), UsageError) << "shares of real parts";
}

TEST(ConventionsTest, TheMeanOfAnItemIsRemoved) {
  const Tensor x = noise({2, 3, 7}, 6), y = remove_mean(x);
  for (int64_t item = 0; item < 2; ++item) {
    double before = 0, after = 0;
    for (int64_t i = 0; i < 21; ++i) {
      before += x.data<double>()[item * 21 + i] / 21;
      after += y.data<double>()[item * 21 + i] / 21;
      EXPECT_NEAR(x.data<double>()[item * 21 + i] - y.data<double>()[item * 21 + i],
                  x.data<double>()[item * 21] - y.data<double>()[item * 21], 1e-15);
    }
    EXPECT_NEAR(after, 0, 1e-15);
    EXPECT_NEAR(before, x.data<double>()[item * 21] - y.data<double>()[item * 21], 1e-15);
  }
}

StftConvTasNetConfig masks(const std::string& features, const std::string& activation) {
  StftConvTasNetConfig config{
      .n_fft = 16, .hop_length = 4, .num_feats = 4, .num_hidden = 5, .num_layers = 2, .num_stacks = 1};
  config.window = "sqrt_hann";
  config.window_scale = "parseval";
  config.stft_padding = "zeros";
  config.remove_mean = true;
  config.features = features;
  config.masks = activation;
  return config;
}

ConvTasNetConfig filters(bool as_asteroid) {
  return {.num_filters = 6,
          .filter_length = 8,
          .filter_stride = 4,
          .filter_padding = as_asteroid ? "none" : "zeros",
          .encoder_activation = as_asteroid ? "relu" : "linear",
          .mask_activation = as_asteroid ? "relu" : "sigmoid",
          .num_feats = 4,
          .num_hidden = 5,
          .num_layers = 2,
          .num_stacks = 1,
          .remove_mean = as_asteroid,
          .mixture_consistency = !as_asteroid};
}

TfGridNetSeparatorConfig spectra(const std::string& estimate) {
  TfGridNetSeparatorConfig config;
  config.network = {.microphones = 2,
                    .emb_dim = 4,
                    .num_blocks = 1,
                    .emb_ks = 3,
                    .emb_hs = 1,
                    .lstm_hidden = 3,
                    .heads = 2,
                    .qk_channels = 1,
                    .unfold_padding = "behind"};
  config.stft = {16, 4, "sqrt_hann", "sum", "zeros"};
  config.remove_mean = true;
  config.estimate = estimate;
  config.fcp = {.past = 2, .future = 1};
  return config;
}

// Along one direction through all parameters, a central difference.
void expect_gradients(const Separator& network, const Tensor& mixture, const std::string& what) {
  const Tensor &values = network.parameters().values(), &gradients = network.parameters().gradients();
  const Tensor start = values.clone(), direction = noise(values.shape(), 7);
  const Tensor cotangent = noise(network.forward(mixture).shape(), 8);
  const auto loss = [&] { return sum(multiply(network.forward(mixture), Variable(cotangent))); };
  backward(loss());
  double expected = 0;
  for (int64_t i = 0; i < values.numel(); ++i) expected += gradients.data<double>()[i] * direction.data<double>()[i];
  const auto loss_at = [&](double step) {
    for (int64_t i = 0; i < values.numel(); ++i)
      values.mutable_data<double>()[i] = start.data<double>()[i] + step * direction.data<double>()[i];
    const NoGrad no_grad;
    return loss().value().item();
  };
  constexpr double step = 1e-6;
  EXPECT_NEAR((loss_at(step) - loss_at(-step)) / (2 * step), expected, 1e-5 * std::abs(expected)) << what;
  EXPECT_GT(std::abs(expected), 1e-3) << what;
}

TEST(ConventionsTest, GradientsOfTheParametersEqualFiniteDifferences) {
  for (const std::string features : {"magnitude", "real_imag"})
    for (const std::string activation : {"sigmoid", "relu"})
      expect_gradients(StftConvTasNet(masks(features, activation), DType::float64, cpu_device, 5), noise({2, 61}, 9),
                       features + " " + activation);
  for (const bool as_asteroid : {false, true})
    expect_gradients(ConvTasNet(filters(as_asteroid), DType::float64, cpu_device, 5), noise({2, 61}, 9),
                     as_asteroid ? "learned filters, no padding" : "learned filters");
  for (const std::string estimate : {"image", "source"})
    expect_gradients(TfGridNetSeparator(spectra(estimate), DType::float64, cpu_device, 5), noise({1, 2, 61}, 9),
                     estimate);
}

// Masks of one do nothing but remove the mean.
TEST(ConventionsTest, OpenMasksLetTheMixtureThrough) {
  for (const std::string features : {"magnitude", "real_imag"}) {
    const StftConvTasNet network(masks(features, "relu"), DType::float64, cpu_device, 5);
    const auto weights = network.parameters().state_dict();
    weights.at("mask_generator.output_conv.weight").zero();
    const Tensor& bias = weights.at("mask_generator.output_conv.bias");
    bias.copy_from(Tensor::full(bias.shape(), 1, DType::float64));
    const Tensor mixture = noise({1, 61}, 10), estimates = network.forward(mixture).value();
    for (int64_t s = 0; s < 2; ++s)
      EXPECT_LT(largest_difference(estimates.reshape({2, 61}).slice(s, s + 1), remove_mean(mixture)), 1e-12);
  }
}

TEST(ConventionsCuda, OutputAndGradientsEqualTheCpus) {
  SUNDER_NEEDS_CUDA();
  const auto compare = [](const auto& make, const Tensor& mixture) {
    std::vector<Tensor> results[2];
    for (const Stream stream : {Stream(cpu_device), Stream(first_cuda_device)}) {
      const auto network = make(stream);
      const Variable estimates = network->forward(mixture.to(stream));
      backward(estimates, noise(estimates.shape(), 8).to(stream));
      for (const Tensor& tensor : {estimates.value(), network->parameters().gradients()})
        results[stream.device.is_cuda()].push_back(tensor.to(cpu_device));
    }
    for (size_t i = 0; i < 2; ++i) EXPECT_LT(largest_difference(results[0][i], results[1][i]), 1e-9);
  };
  compare(
      [](Stream stream) {
        return std::make_unique<StftConvTasNet>(masks("real_imag", "sigmoid"), DType::float64, stream, 5);
      },
      noise({2, 61}, 9));
  for (const bool as_asteroid : {false, true})
    compare(
        [&](Stream stream) { return std::make_unique<ConvTasNet>(filters(as_asteroid), DType::float64, stream, 5); },
        noise({2, 61}, 9));
  compare(
      [](Stream stream) { return std::make_unique<TfGridNetSeparator>(spectra("source"), DType::float64, stream, 5); },
      noise({1, 2, 61}, 9));
}

}  // namespace
}  // namespace sunder
