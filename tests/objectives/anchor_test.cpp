// Targets for the estimates themselves, and UNSSOR's virtual microphones.
#include <gtest/gtest.h>

#include <algorithm>
#include <complex>
#include <numeric>

#include "autograd/gradcheck.h"
#include "nn/tfgridnet_separator.h"
#include "objectives/step.h"
#include "tensor/error.h"
#include "tensor/ops/binary.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace sunder {
namespace {

constexpr int64_t items = 2, frames = 14, bins = 5, length = 50;
constexpr FcpOptions taps{.past = 2, .future = 1, .loading = 0};

Tensor spectra(Shape shape, uint64_t which) {
  const Tensor result = Tensor::empty(std::move(shape), DType::complex128);
  Random random(9, RandomUse::test, 0, which);
  for (int64_t i = 0; i < result.numel(); ++i)
    result.mutable_data<complex128>()[i] = {random.normal(), random.normal()};
  return result;
}

Tensor noise(Shape shape, uint64_t which) {
  const Tensor result = Tensor::empty(std::move(shape), DType::float64);
  Random random(9, RandomUse::test, 1, which);
  for (int64_t i = 0; i < result.numel(); ++i) result.mutable_data<double>()[i] = random.normal();
  return result;
}

Tensor waveforms(int64_t sources, uint64_t which) { return noise({items, sources, length}, which); }

// Distance by real part, imaginary part and magnitude of `points` points, over the sum of |target|.
double distance(const complex128* target, const complex128* estimate, int64_t points) {
  double sum = 0, level = 0;
  for (int64_t i = 0; i < points; ++i) {
    const complex128 d = target[i] - estimate[i];
    sum += std::abs(d.real()) + std::abs(d.imag()) + std::abs(std::abs(target[i]) - std::abs(estimate[i]));
    level += std::abs(target[i]);
  }
  return sum / level;
}

// The sum of the mixture constraints over the microphones and the batch. images: (B, M, S, T, F).
double constraint_by_hand(const Tensor& images, const Tensor& mixtures) {
  const int64_t microphones = images.size(1), sources = images.size(2), points = frames * bins;
  double result = 0;
  for (int64_t m = 0; m < images.size(0) * microphones; ++m) {
    std::vector<complex128> all(points);
    for (int64_t s = 0; s < sources; ++s)
      for (int64_t i = 0; i < points; ++i) all[i] += images.data<complex128>()[(m * sources + s) * points + i];
    result += distance(mixtures.data<complex128>() + m * points, all.data(), points);
  }
  return result;
}

class Anchor : public testing::Test {
 protected:
  // So small are these losses that threads would only wait for each other.
  void SetUp() override { set_num_threads(1); }
  void TearDown() override { set_num_threads(0); }

  const Stft stft{{.n_fft = 8, .hop_length = 4, .window = "sqrt_hann"}, DType::float64};

  static void check_gradient(const Differentiable& function, const Tensor& at) {
    const GradcheckResult result = gradcheck(function, {at});
    EXPECT_LE(result.error, 1e-7) << result.detail;
  }
};

TEST_F(Anchor, IsTheSnrOfTheBestAssignmentByHand) {
  for (const int64_t sources : {1, 2, 3}) {
    const Tensor estimates = spectra({items, sources, frames, bins}, 1);
    const Tensor targets = waveforms(sources, 2), signals = stft.inverse(estimates, length);
    double expected = 0;
    for (int64_t b = 0; b < items; ++b) {
      std::vector<int64_t> order(sources);
      std::iota(order.begin(), order.end(), 0);
      double best = 1e9;
      do {
        double sum = 0;
        for (int64_t s = 0; s < sources; ++s) {
          const double* target = targets.data<double>() + (b * sources + s) * length;
          const double* signal = signals.data<double>() + (b * sources + order[s]) * length;
          double energy = 0, error = 0;
          for (int64_t t = 0; t < length; ++t) {
            energy += target[t] * target[t];
            error += std::pow(target[t] - signal[t], 2);
          }
          sum += 10 * std::log10(error + 1e-3 * energy) - 10 * std::log10(energy);
        }
        best = std::min(best, sum / static_cast<double>(sources));
      } while (std::next_permutation(order.begin(), order.end()));
      expected += best / items;
    }
    EXPECT_NEAR(pit_spectra_snr_loss(targets, Variable(estimates), stft).value().item(), expected, 1e-9) << sources;
  }
}

// Bins whose speakers are exchanged have the mixture constraint of bins in order, but not the anchor.
TEST_F(Anchor, SeesPermutedBins) {
  const Tensor estimates = spectra({1, 2, frames, bins}, 5), targets = stft.inverse(estimates, length);
  const Tensor far = spectra({1, 3, frames, bins}, 6), close = spectra({1, 2, frames, bins}, 7);
  const Tensor permuted = estimates.clone();
  auto* values = permuted.mutable_data<complex128>();
  const int64_t points = frames * bins;
  for (int64_t i = 0; i < points; ++i)
    if (i % bins == 2) std::swap(values[i], values[points + i]);
  const M2mOptions m2m{.fcp = {.far = taps, .close = taps}};
  EXPECT_NEAR(m2m_loss(Variable(permuted), far, close, m2m).value().item(),
              m2m_loss(Variable(estimates), far, close, m2m).value().item(), 1e-12);
  EXPECT_GT(pit_spectra_snr_loss(targets, Variable(permuted), stft).value().item(),
            pit_spectra_snr_loss(targets, Variable(estimates), stft).value().item() + 10);
}

// Where the array hears a filtered close-talk microphone alone, this is its target, and no other microphone matters.
TEST_F(Anchor, TargetsAreCloseTalkMixturesAsTheArrayHearsThem) {
  const Tensor close = spectra({items, 2, frames, bins}, 8), far = spectra({items, 3, frames, bins}, 9);
  for (int64_t b = 0; b < items; ++b)
    for (int64_t t = 0; t < frames; ++t)
      for (int64_t f = 0; f < bins; ++f) {
        const auto at = [&](int64_t frame) {
          return frame < 0 || frame >= frames ? complex128(0)
                                              : close.data<complex128>()[(b * 2 * frames + frame) * bins + f];
        };
        far.mutable_data<complex128>()[(b * 3 * frames + t) * bins + f] =
            complex128(0.5, 0.2) * at(t) - complex128(0, 0.3) * at(t - 1) + 0.1 * at(t + 1);
      }
  const Tensor targets = close_talk_targets(close, far, {.far = taps});
  EXPECT_EQ(targets.shape(), close.shape());
  for (int64_t b = 0; b < items; ++b)
    for (int64_t i = 0; i < frames * bins; ++i)
      EXPECT_NEAR(std::abs(targets.data<complex128>()[b * 2 * frames * bins + i] -
                           far.data<complex128>()[b * 3 * frames * bins + i]),
                  0, 1e-9);
}

TEST_F(Anchor, GradientsMatchFiniteDifferences) {
  for (const int64_t sources : {2, 3}) {
    const Tensor estimates = spectra({items, sources, frames, bins}, 6), far = spectra({items, 4, frames, bins}, 7);
    const Tensor near = spectra({items, sources, frames, bins}, 8), targets = waveforms(sources, 9);
    check_gradient([&](const auto& in) { return std::vector{pit_spectra_snr_loss(targets, in[0], stft)}; }, estimates);
    const UnssorOptions unssor{.fcp = {.far = taps}, .gamma = 0.06, .virtual_weight = 0.4};
    check_gradient([&](const auto& in) { return std::vector{unssor_loss(in[0], far, unssor, {}, near)}; }, estimates);
  }
}

TEST_F(Anchor, VirtualMicrophonesAddToUnssorWithTheirWeight) {
  const Tensor far = spectra({items, 3, frames, bins}, 11), near = spectra({items, 2, frames, bins}, 12);
  const Variable estimates(spectra({items, 2, frames, bins}, 10));
  const FcpOptions far_taps{.past = 1, .future = 0, .loading = 0};
  const UnssorOptions unssor{.fcp = {.far = far_taps, .close = taps}, .virtual_weight = 0.4};
  const double constraint = constraint_by_hand(close_talk_images(estimates, near, far_taps).value(), near);
  EXPECT_NEAR(unssor_loss(estimates, far, unssor, {}, near).value().item(),
              unssor_loss(estimates, far, unssor).value().item() + 0.4 * constraint / items, 1e-12);
}

// The steps of a network: the anchor is what its weight adds.
TEST_F(Anchor, AddsToTheStepsWithItsWeight) {
  TfGridNetSeparatorConfig config;
  config.network.microphones = 3;
  config.network.emb_dim = 4;
  config.network.num_blocks = 1;
  config.network.lstm_hidden = 3;
  config.network.qk_channels = 1;
  config.network.heads = 2;
  config.stft = {16, 8, "sqrt_hann"};
  const TfGridNetSeparator network(config, DType::float64, cpu_device, 3);
  const Tensor mixtures = noise({items, 3, 200}, 13), close = noise({items, 2, 200}, 14);
  const SpectralSeparator::NormalizedSpectra far = network.normalize(mixtures);
  const Variable estimates = network.estimates(far.spectra);

  M2mOptions m2m{.fcp = {.far = taps, .close = taps}};
  const double plain = m2m_step(network, mixtures, close, m2m).value().item();
  const Tensor targets =
      network.stft().inverse(close_talk_targets(network.stft().forward(close), far.spectra, m2m.fcp), 200);
  m2m.anchor = 0.7;
  EXPECT_NEAR(m2m_step(network, mixtures, close, m2m).value().item(),
              plain + 0.7 * pit_spectra_snr_loss(targets, estimates, network.stft()).value().item(), 1e-9);

  UnssorOptions unssor{.fcp = {.far = taps}};
  const double without = unssor_step(network, mixtures, unssor, {}, close).value().item();
  unssor.anchor = 0.7;
  EXPECT_NEAR(unssor_step(network, mixtures, unssor, {}, close).value().item(),
              without + 0.7 * pit_spectra_snr_loss(divide(close, far.scale), estimates, network.stft()).value().item(),
              1e-9);
}

TEST_F(Anchor, SilentVirtualMicrophonesAddNothing) {
  const Tensor far = spectra({items, 3, frames, bins}, 13),
               silent = Tensor::zeros({items, 2, frames, bins}, DType::complex128);
  const UnssorOptions options{.fcp = {.far = taps}};
  const Variable estimates(spectra({items, 2, frames, bins}, 14), true);
  const Variable loss = unssor_loss(estimates, far, options, {}, silent);
  EXPECT_EQ(loss.value().item(), unssor_loss(estimates, far, options).value().item());
  backward(loss);
  for (const complex128& x : estimates.grad().to_vector<complex128>()) EXPECT_TRUE(std::isfinite(std::abs(x)));
}

TEST_F(Anchor, RejectsWhatDoesNotFit) {
  try {
    pit_spectra_snr_loss(noise({1, 2, length}, 16), Variable(spectra({1, 3, frames, bins}, 15)), stft);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "[pit_spectra_snr_loss] expected references of shape (1, 3, -1), got float64 (1, 2, 50) on cpu");
  }
}

}  // namespace
}  // namespace sunder
