// One estimate alone at each microphone that is close to one speaker, and UNSSOR's virtual microphones.
#include "objectives/anchor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <complex>
#include <numeric>

#include "autograd/gradcheck.h"
#include "objectives/m2m.h"
#include "objectives/unssor.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace sunder {
namespace {

constexpr int64_t items = 2, frames = 14, bins = 4;
constexpr FcpOptions taps{.past = 2, .future = 1, .loading = 0};

Tensor spectra(Shape shape, uint64_t which) {
  const Tensor result = Tensor::empty(std::move(shape), DType::complex128);
  Random random(9, RandomUse::test, 0, which);
  for (int64_t i = 0; i < result.numel(); ++i)
    result.mutable_data<complex128>()[i] = {random.normal(), random.normal()};
  return result;
}

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

struct Expected {
  double constraint = 0, anchor = 0;  // sums over the microphones and the batch
};

Expected by_hand(const Tensor& images, const Tensor& mixtures) {
  const int64_t sources = images.size(2), points = frames * bins;
  const auto image = [&](int64_t b, int64_t m, int64_t s) {
    return images.data<complex128>() + ((b * sources + m) * sources + s) * points;
  };
  Expected result;
  for (int64_t b = 0; b < images.size(0); ++b) {
    const auto mixture = [&](int64_t m) { return mixtures.data<complex128>() + (b * sources + m) * points; };
    for (int64_t m = 0; m < sources; ++m) {
      std::vector<complex128> all(points);
      for (int64_t s = 0; s < sources; ++s)
        for (int64_t i = 0; i < points; ++i) all[i] += image(b, m, s)[i];
      result.constraint += distance(mixture(m), all.data(), points);
    }
    std::vector<int64_t> order(sources);
    std::iota(order.begin(), order.end(), 0);
    double best = 1e9;
    do {
      double total = 0;
      for (int64_t m = 0; m < sources; ++m) total += distance(mixture(m), image(b, m, order[m]), points);
      best = std::min(best, total);
    } while (std::next_permutation(order.begin(), order.end()));
    result.anchor += best;
  }
  return result;
}

class Anchor : public testing::Test {
 protected:
  // So small are these losses that threads would only wait for each other.
  void SetUp() override { set_num_threads(1); }
  void TearDown() override { set_num_threads(0); }

  static void check_gradient(const Differentiable& function, const Tensor& at) {
    const GradcheckResult result = gradcheck(function, {at});
    EXPECT_LE(result.error, 1e-7) << result.detail;
  }
};

TEST_F(Anchor, IsTheBestAssignmentByHand) {
  for (const int64_t sources : {1, 2, 3, 4}) {
    const Tensor mixtures = spectra({items, sources, frames, bins}, 1);
    const Tensor images = spectra({items, sources, sources, frames, bins}, 2);
    const double found = anchor_loss(Variable(images), mixtures).value().item();
    EXPECT_NEAR(found, by_hand(images, mixtures).anchor, 1e-12) << sources;
  }
}

// Each utterance has an order of its own, and the loss of the right images is zero in any.
TEST_F(Anchor, FindsTheOrderOfEveryUtterance) {
  const int64_t sources = 3, points = frames * bins;
  const Tensor mixtures = spectra({items, sources, frames, bins}, 3);
  const Tensor images = spectra({items, sources, sources, frames, bins}, 4);
  const int64_t orders[items][sources] = {{2, 0, 1}, {1, 0, 2}};
  for (int64_t b = 0; b < items; ++b)
    for (int64_t m = 0; m < sources; ++m)
      std::copy_n(mixtures.data<complex128>() + (b * sources + m) * points, points,
                  images.mutable_data<complex128>() + ((b * sources + m) * sources + orders[b][m]) * points);
  EXPECT_NEAR(anchor_loss(Variable(images), mixtures).value().item(), 0, 1e-14);
}

// Bins whose speakers are exchanged have the mixture constraint of bins in order, but not the anchor.
TEST_F(Anchor, SeesPermutedBins) {
  const Tensor images = spectra({1, 2, 2, frames, bins}, 5),
               mixtures = Tensor::zeros({1, 2, frames, bins}, DType::complex128);
  auto* image = images.mutable_data<complex128>();
  const int64_t points = frames * bins;
  for (int64_t m = 0; m < 2; ++m)
    for (int64_t i = 0; i < points; ++i) {
      image[(2 * m + 1 - m) * points + i] *= 0.1;  // the other speaker
      mixtures.mutable_data<complex128>()[m * points + i] = image[2 * m * points + i] + image[(2 * m + 1) * points + i];
    }
  const Tensor permuted = images.clone();
  for (int64_t m = 0; m < 2; ++m)
    for (int64_t i = 0; i < points; i += 2)
      std::swap(permuted.mutable_data<complex128>()[2 * m * points + i],
                permuted.mutable_data<complex128>()[(2 * m + 1) * points + i]);
  const auto constraint = [&](const Tensor& of) {
    return sum(mixture_constraint(Variable(of), mixtures)).value().item();
  };
  EXPECT_NEAR(constraint(permuted), constraint(images), 1e-13);
  const double in_order = anchor_loss(Variable(images), mixtures).value().item();
  EXPECT_GT(anchor_loss(Variable(permuted), mixtures).value().item(), in_order + 1);
}

TEST_F(Anchor, GradientsMatchFiniteDifferences) {
  for (const int64_t sources : {2, 3}) {
    const Tensor estimates = spectra({items, sources, frames, bins}, 6), far = spectra({items, 4, frames, bins}, 7);
    const Tensor near = spectra({items, sources, frames, bins}, 8);
    check_gradient([&](const auto& in) { return std::vector{anchor_loss(in[0], near)}; },
                   spectra({items, sources, sources, frames, bins}, 9));
    const UnssorOptions unssor{.fcp = {.far = taps}, .gamma = 0.06, .virtual_weight = 0.4, .anchor = 0.7};
    check_gradient([&](const auto& in) { return std::vector{unssor_loss(in[0], far, unssor, {}, near)}; }, estimates);
    const M2mOptions m2m{.fcp = {.far = taps, .close = taps}, .anchor = 0.7};
    check_gradient([&](const auto& in) { return std::vector{m2m_loss(in[0], far, near, m2m)}; }, estimates);
  }
}

TEST_F(Anchor, AddsToUnssorAndM2mWithItsWeight) {
  const int64_t sources = 2;
  const Tensor z = spectra({items, sources, frames, bins}, 10), far = spectra({items, 3, frames, bins}, 11);
  const Tensor near = spectra({items, sources, frames, bins}, 12);
  const Variable estimates(z);
  const FcpOptions far_taps{.past = 1, .future = 0, .loading = 0};
  const Expected at_virtual = by_hand(close_talk_images(estimates, near, far_taps).value(), near);
  const Expected at_close = by_hand(close_talk_images(estimates, near, taps).value(), near);

  UnssorOptions unssor{.fcp = {.far = far_taps, .close = taps}, .virtual_weight = 0.4};
  const double without = unssor_loss(estimates, far, unssor).value().item();
  const auto with_virtual = [&] { return unssor_loss(estimates, far, unssor, {}, near).value().item(); };
  EXPECT_NEAR(with_virtual(), without + 0.4 * at_virtual.constraint / items, 1e-12);
  unssor.anchor = 0.7;
  EXPECT_NEAR(with_virtual(), without + (0.4 * at_virtual.constraint + 0.7 * at_virtual.anchor) / items, 1e-12);

  M2mOptions m2m{.fcp = {.far = far_taps, .close = taps}};
  const double plain = m2m_loss(estimates, far, near, m2m).value().item();
  m2m.anchor = 0.7;
  EXPECT_NEAR(m2m_loss(estimates, far, near, m2m).value().item(), plain + 0.7 * at_close.anchor / items, 1e-12);
}

TEST_F(Anchor, SilentVirtualMicrophonesAddNothing) {
  const Tensor far = spectra({items, 3, frames, bins}, 13),
               silent = Tensor::zeros({items, 2, frames, bins}, DType::complex128);
  const UnssorOptions options{.fcp = {.far = taps}, .anchor = 1};
  const Variable estimates(spectra({items, 2, frames, bins}, 14), true);
  const Variable loss = unssor_loss(estimates, far, options, {}, silent);
  EXPECT_EQ(loss.value().item(), unssor_loss(estimates, far, options).value().item());
  backward(loss);
  for (const complex128& x : estimates.grad().to_vector<complex128>()) EXPECT_TRUE(std::isfinite(std::abs(x)));
}

TEST_F(Anchor, RejectsWhatDoesNotFit) {
  const Variable images(spectra({1, 3, 2, frames, bins}, 15));
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(message([&] {
              anchor_loss(images, spectra({1, 3, frames, bins}, 16));
            }),
            "[anchor_loss] expected a microphone for each of 2 estimates, got 3");
  EXPECT_NE(message([&] {
              anchor_loss(Variable(spectra({1, 2, 2, frames, bins}, 17)), spectra({1, 3, frames, bins}, 16));
            }).find("[anchor_loss] expected mixtures of shape (1, 2, 14, 4), got complex128 (1, 3, 14, 4)"),
            std::string::npos);
}

}  // namespace
}  // namespace sunder
