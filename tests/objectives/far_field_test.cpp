// What M2M, UNSSOR and their filters promise beyond the golden values.
#include <gtest/gtest.h>

#include <complex>
#include <functional>
#include <numbers>

#include "autograd/gradcheck.h"
#include "objectives/m2m.h"
#include "objectives/unssor.h"
#include "tensor/cuda/pipeline.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tests/cuda_device.h"

namespace sunder {
namespace {

constexpr int64_t items = 2, sources = 2, frames = 20, bins = 5;
constexpr FcpOptions taps{.past = 3, .future = 1, .loading = 0};
const M2mOptions m2m{.fcp = {.far = taps, .close = {.past = 2, .future = 1, .loading = 0}}, .alpha = 1.0 / 7};
const UnssorOptions unssor{.fcp = {.far = taps}, .gamma = 0.06, .reference_weight = 1.0 / 6, .reference = 1};

Tensor spectra(Shape shape, uint64_t which) {
  const Tensor result = Tensor::empty(std::move(shape), DType::complex128);
  Random random(7, RandomUse::test, 0, which);
  for (int64_t i = 0; i < result.numel(); ++i)
    result.mutable_data<complex128>()[i] = {random.normal(), random.normal()};
  return result;
}

struct Scene {
  Tensor estimates = spectra({items, sources, frames, bins}, 1), far = spectra({items, 3, frames, bins}, 2),
         close = spectra({items, 2, frames, bins}, 3);
};

std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

class FarField : public testing::Test {
 protected:
  // So small are these losses that threads would only wait for each other.
  void SetUp() override { set_num_threads(1); }
  void TearDown() override { set_num_threads(0); }
};

TEST_F(FarField, GradientsMatchFiniteDifferences) {
  const Scene scene;
  const auto check = [&](const Differentiable& function) {
    const GradcheckResult result = gradcheck(function, {scene.estimates});
    EXPECT_LE(result.error, 1e-7) << result.detail;
  };
  check([&](const auto& in) { return std::vector{m2m_loss(in[0], scene.far, scene.close, m2m)}; });
  check([&](const auto& in) { return std::vector{unssor_loss(in[0], scene.far, unssor)}; });
  M2mOptions scattered = m2m;
  scattered.gamma = 0.3;
  check([&](const auto& in) { return std::vector{m2m_loss(in[0], scene.far, scene.close, scattered)}; });
}

TEST_F(FarField, M2mAddsTheScatteringOfItsFarImages) {
  const Scene scene;
  const Variable estimates(scene.estimates);
  M2mOptions scattered = m2m;
  scattered.gamma = 0.3;
  const double added = m2m_loss(estimates, scene.far, scene.close, scattered).value().item() -
                       m2m_loss(estimates, scene.far, scene.close, m2m).value().item();
  const double scattering =
      sum(isms(far_field_images(estimates, scene.far, m2m.fcp.far), scene.far)).value().item() / items;
  EXPECT_GT(scattering, 0.1);
  EXPECT_NEAR(added, m2m.alpha * 0.3 * scattering, 1e-12);
}

// Filters take out any complex gain of a speaker at a frequency, so the gradient is orthogonal to the estimate there.
TEST_F(FarField, LossesDoNotSeeGainsPerSpeakerAndFrequency) {
  const Scene scene;
  const Tensor scaled = scene.estimates.clone();
  for (int64_t i = 0; i < scaled.numel(); ++i) {
    const int64_t f = i % bins, s = i / bins / frames % sources;
    scaled.mutable_data<complex128>()[i] *= std::polar(0.01 + static_cast<double>(f), 1.3 * static_cast<double>(f + s));
  }
  for (const double loading : {0.0, 1e-3}) {  // relative loading keeps the promise
    M2mOptions options = m2m;
    options.fcp.close.loading = options.fcp.far.loading = loading;
    const Variable estimates(scene.estimates, true);
    const Variable loss = m2m_loss(estimates, scene.far, scene.close, options);
    EXPECT_NEAR(m2m_loss(Variable(scaled), scene.far, scene.close, options).value().item(), loss.value().item(), 1e-12);
    if (loading > 0) continue;  // its gradient takes the loading for a constant
    backward(loss);
    for (int64_t signal = 0; signal < items * sources; ++signal)
      for (int64_t f = 0; f < bins; ++f) {
        complex128 product = 0;
        for (int64_t t = 0; t < frames; ++t) {
          const int64_t i = (signal * frames + t) * bins + f;
          product += std::conj(scene.estimates.data<complex128>()[i]) * estimates.grad().data<complex128>()[i];
        }
        EXPECT_LT(std::abs(product), 1e-13);
      }
  }
}

// The images of one microphone do not depend on the others' number with close-talk weights, nor on the rest of the
// batch.
TEST_F(FarField, UtterancesAndCloseTalkMicrophonesStandAlone) {
  const Scene scene;
  const Tensor all = close_talk_images(Variable(scene.estimates), scene.close, taps).value();
  const Tensor second = scene.close.slice(1, 2).reshape({2, 1, frames, bins}).slice(1, 2);  // item 1, microphone 1
  const Tensor alone = close_talk_images(Variable(scene.estimates.slice(1, 2)), second, taps).value();
  EXPECT_EQ(alone.to_vector<complex128>(),
            all.slice(1, 2).reshape({2, sources, frames, bins}).slice(1, 2).to_vector<complex128>());
}

// Random phases of unit power: per point E|Re| + E|Im| + E||Y|| over E|Y| = 1 + 4 / pi (m2m.md, section 4).
TEST_F(FarField, SilentEstimatesLeaveTheAnchorAndCount) {
  const Tensor estimates = Tensor::zeros({1, 2, 400, 9}, DType::complex128), far = spectra({1, 2, 400, 9}, 4);
  const Tensor failures = Tensor::zeros({1}, DType::int64);
  const Variable in(estimates, true);
  const Variable loss = m2m_loss(in, far, far, {.alpha = 1}, failures);
  EXPECT_NEAR(loss.value().item(), 4 * (1 + 4 / std::numbers::pi), 0.05);
  EXPECT_EQ(failures.item(), 2 * 9 * 2 + 2 * 9)
      << "two speakers, nine bins: each close-talk microphone, and all others";
  backward(loss);
  for (const complex128& value : in.grad().to_vector<complex128>()) EXPECT_EQ(value, complex128(0));
}

// A microphone twice is twice its loss; silent ones and segments shorter than the filter are finite.
TEST_F(FarField, OddMicrophonesAndShortSegments) {
  const Scene scene;
  const auto value = [](const Tensor& z, const Tensor& far, const Tensor& close, const M2mOptions& options) {
    return m2m_loss(Variable(z), far, close, options).value().item();
  };
  const Tensor one = scene.far.slice(0, 1).reshape({3, 1, frames, bins}).slice(0, 1);  // item 0, microphone 0
  const Tensor twice = concat({Variable(one), Variable(one)}, 1).value();
  const Tensor z = scene.estimates.slice(0, 1), silent = Tensor::zeros(one.shape(), DType::complex128);
  const double of_silence = value(z, silent, silent, m2m);
  EXPECT_EQ(of_silence, 0);
  EXPECT_NEAR(value(z, twice, silent, m2m), 2 * value(z, one, silent, m2m), 1e-13);

  const Variable brief(spectra({1, 1, 3, bins}, 5), true);  // alone: two estimates would explain the mixture twice
  const Variable loss = m2m_loss(brief, spectra({1, 2, 3, bins}, 6), spectra({1, 2, 3, bins}, 7), {});
  backward(loss);
  EXPECT_LT(loss.value().item(), 1e-3) << "21 taps explain 3 frames";
  for (const complex128& x : brief.grad().to_vector<complex128>()) EXPECT_TRUE(std::isfinite(std::abs(x)));
}

// Steepest descent on the estimates alone: the gradient leads somewhere, in float32 with the default loading.
TEST_F(FarField, DescentOnTheEstimatesLowersTheLoss) {
  const Scene scene;
  const Tensor far = scene.far.cast(DType::complex64), close = scene.close.cast(DType::complex64);
  const Tensor z = scene.estimates.cast(DType::complex64).clone();
  std::vector<double> losses;
  for (int step = 0; step < 60; ++step) {
    const Variable estimates(z, true);
    const Variable loss = m2m_loss(estimates, far, close, {.fcp = {.far = {.past = 2}, .close = {.past = 2}}});
    losses.push_back(loss.value().item());
    backward(loss);
    for (int64_t i = 0; i < z.numel(); ++i)
      z.mutable_data<complex64>()[i] -= 1.0f * estimates.grad().data<complex64>()[i];
  }
  EXPECT_LT(losses.back(), 0.8 * losses.front());
}

TEST_F(FarField, RejectsWhatDoesNotFit) {
  const Scene scene;
  const Variable estimates(scene.estimates);
  EXPECT_NE(message([&] {
              m2m_loss(Variable(scene.estimates.slice(0, 0)), scene.far, scene.close, m2m);
            }).find("[m2m_loss] expected at least one utterance, got complex128 (0, 2, 20, 5)"),
            std::string::npos);
  EXPECT_NE(message([&] {
              unssor_loss(Variable(scene.estimates.slice(0, 0)), scene.far, unssor);
            }).find("[unssor_loss] expected at least one utterance, got complex128 (0, 2, 20, 5)"),
            std::string::npos);
  UnssorOptions options = unssor;
  options.reference = 3;
  EXPECT_EQ(message([&] { unssor_loss(estimates, scene.far, options); }),
            "[unssor_loss] expected a reference microphone below 3, got 3");
  EXPECT_NE(message([&] {
              m2m_loss(estimates, scene.far, spectra({items, 2, frames, bins + 1}, 8), m2m);
            }).find("[fcp] expected mixtures of shape (2, -1, 20, 5), got complex128 (2, 2, 20, 6)"),
            std::string::npos);
}

#ifdef SUNDER_WITH_CUDA
// The third run is a graph's: it must neither wait nor allocate, and give the bits of the first.
TEST_F(FarField, LossAndGradientRunCapturedOnCuda) {
  SUNDER_NEEDS_CUDA();
  const Scene scene;
  const auto work_of = [](const Tensor& z, const Tensor& far, const Tensor& close, const Tensor& failures,
                          const Tensor& one) {
    const Variable estimates(z, true);
    const Variable loss =
        add(m2m_loss(estimates, far, close, m2m, failures), unssor_loss(estimates, far, unssor, {}, close));
    backward(loss, one);
    return std::pair(loss.value(), estimates.grad());
  };
  const Tensor count = Tensor::zeros({1}, DType::int64);
  const auto [expected_loss, expected_grad] =
      work_of(scene.estimates, scene.far, scene.close, count, Tensor::full({}, 1, DType::float64));

  const cuda::OwnedStream stream(first_cuda_device);
  cuda::Pipeline pipeline(stream.get(), cuda::GraphUse::required);
  const Tensor result = Tensor::zeros({1}, DType::float64, stream.get());
  const Tensor grad = Tensor::zeros_like(scene.estimates.to(stream.get()));
  const Tensor failures = Tensor::zeros({1}, DType::int64, stream.get());
  const Tensor one = Tensor::full({}, 1, DType::float64, stream.get());
  for (int run = 0; run < 4; ++run)
    pipeline.run(
        /*key=*/1, {scene.estimates, scene.far, scene.close},
        [&](const std::vector<Tensor>& in) {
          const auto [loss, gradient] = work_of(in[0], in[1], in[2], failures, one);
          result.copy_from(loss.reshape({1}));
          grad.copy_from(gradient);
        },
        result);
  const auto losses = pipeline.arrived(/*wait=*/true);
  ASSERT_EQ(losses.size(), 4u);
  EXPECT_GT(pipeline.graph_size().kernels, 20u) << "nothing was captured";
  for (const auto& loss : losses) {
    EXPECT_EQ(loss, losses.front());
    EXPECT_NEAR(loss[0], expected_loss.item(), 1e-12);
  }
  const auto actual = grad.to(cpu_device).to_vector<complex128>(), expected = expected_grad.to_vector<complex128>();
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_LT(std::abs(actual[i] - expected[i]), 1e-12);
  EXPECT_EQ(failures.to(cpu_device).item(), 0);
}
#endif

}  // namespace
}  // namespace sunder
