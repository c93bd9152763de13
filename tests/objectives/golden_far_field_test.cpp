// FCP, M2M, UNSSOR and PIT on real, imaginary and magnitude parts against the reference implementations, in float64 and
// float32.
#include <gtest/gtest.h>

#include "objectives/m2m.h"
#include "objectives/pit.h"
#include "objectives/unssor.h"
#include "tensor/ops/fcp_weight.h"
#include "tensor/ops/pit_ri_mag.h"
#include "tests/golden.h"

namespace sunder {
namespace {

// The README's table for fcp_m2m: PyTorch's own deviation in float32. It has none for pit_ri_mag, which is simpler.
constexpr double result32 = 8e-7, gradient32 = 2e-6;

class GoldenFarField : public testing::TestWithParam<DType> {
 protected:
  static Tensor complex(const Golden& golden, const std::string& name) { return golden(name).as_complex(); }
  static void expect_complex(const Golden& golden, const Tensor& actual, const std::string& name, double float32,
                             double largest_gradient = 0) {
    golden.expect_equal(actual.as_real(), name, float32, largest_gradient);
  }
  static FcpOptions filter(const Golden& golden) {
    return {.past = static_cast<int64_t>(golden.constant("past")),
            .future = static_cast<int64_t>(golden.constant("future")),
            .loading = 0};
  }
  static FcpConfig filters(const Golden& golden) { return {filter(golden), filter(golden), golden.constant("xi")}; }
  // A part of the microphones of `loss_per_microphone`, close-talk ones first.
  static Tensor columns(const Tensor& x, int64_t begin, int64_t end) {
    return slice_axis(Variable(x), 1, begin, end).value();
  }
};

TEST_P(GoldenFarField, WeightsFiltersAndImages) {
  SUNDER_NEEDS_SHARED("golden/models/fcp_m2m.safetensors");
  const Golden golden("fcp_m2m", GetParam());
  const Tensor estimate = complex(golden, "estimate");
  for (const std::string place : {"close", "far"}) {
    const Tensor mixtures = complex(golden, place);
    const Tensor weights = fcp_weight(mixtures, place == "close" ? mixtures.size(1) : 1, golden.constant("xi"));
    if (place == "close") golden.expect_equal(weights, "lambda_close", result32);
    else
      golden.expect_equal(weights.reshape({weights.size(0), weights.size(2), weights.size(3)}), "lambda_far", result32);
    const Tensor failures = Tensor::zeros({1}, DType::int64);
    const Fcp result = fcp(estimate, mixtures, weights, filter(golden), failures);
    expect_complex(golden, result.filters, "filter_" + place, result32);
    expect_complex(golden, result.images, "image_" + place, result32);
    EXPECT_EQ(failures.item(), 0);
  }
}

TEST_P(GoldenFarField, GradientThroughTheSolve) {
  SUNDER_NEEDS_SHARED("golden/models/fcp_m2m.safetensors");
  const Golden golden("fcp_m2m", GetParam());
  const Variable estimate(complex(golden, "estimate"), true);
  const Tensor far = complex(golden, "far");
  const Variable images = far_field_images(estimate, far, filter(golden), golden.constant("xi"));
  // The gradient of sum Re(conj(Y) image) by an image is Y.
  const Shape shape = images.shape();
  const Tensor cotangent =
      broadcast_to(Variable(far.as_real().reshape({shape[0], shape[1], 1, shape[3], shape[4] * 2})),
                   {shape[0], shape[1], shape[2], shape[3], shape[4] * 2})
          .value();
  backward({images}, {cotangent.reshape({shape[0], shape[1], shape[2], shape[3], shape[4], 2}).as_complex()});
  expect_complex(golden, estimate.grad(), "fcp.grad_estimate", gradient32, golden.largest("fcp.grad_"));
}

TEST_P(GoldenFarField, M2m) {
  SUNDER_NEEDS_SHARED("golden/models/fcp_m2m.safetensors");
  const Golden golden("fcp_m2m", GetParam());
  const Variable estimate(complex(golden, "estimate"), true);
  const Tensor close = complex(golden, "close"), far = complex(golden, "far");
  const M2mOptions options{filters(golden), golden.constant("alpha")};
  const Tensor per_microphone =
      concat({mixture_constraint(close_talk_images(estimate, close, options.fcp.close, options.fcp.xi), close),
              mixture_constraint(far_field_images(estimate, far, options.fcp.far, options.fcp.xi), far)},
             1)
          .value();
  golden.expect_equal(per_microphone, "m2m.loss_per_microphone", result32);
  const Variable loss = m2m_loss(estimate, far, close, options);
  golden.expect_equal(loss.value(), "m2m.loss", result32);
  backward(loss);
  expect_complex(golden, estimate.grad(), "m2m.grad_estimate", gradient32, golden.largest("m2m.grad_"));
}

TEST_P(GoldenFarField, AlphaWeighsTheFarFieldMicrophones) {
  SUNDER_NEEDS_SHARED("golden/models/fcp_m2m.safetensors");
  const Golden golden("fcp_m2m", GetParam());
  const Tensor close = complex(golden, "close"), far = complex(golden, "far");
  const M2mOptions options{filters(golden), 1.0 / 7};
  const Tensor per_microphone = golden("m2m.loss_per_microphone").cast(DType::float64);  // (B, C + P)
  const int64_t items = close.size(0), microphones = close.size(1);
  const Tensor at_close = columns(per_microphone, 0, microphones),
               at_far = columns(per_microphone, microphones, per_microphone.size(1));
  const double expected =
      (sum(Variable(at_close)).value().item() + sum(Variable(at_far)).value().item() / 7) / static_cast<double>(items);
  const Tensor loss = m2m_loss(Variable(complex(golden, "estimate")), far, close, options).value();
  EXPECT_NEAR(loss.item(), expected, (GetParam() == DType::float64 ? 1e-9 : 10 * result32) * expected);
}

TEST_P(GoldenFarField, Unssor) {
  SUNDER_NEEDS_SHARED("golden/models/fcp_m2m.safetensors");
  const Golden golden("fcp_m2m", GetParam());
  const Variable estimate(complex(golden, "estimate"), true);
  const Tensor far = complex(golden, "far");
  const UnssorOptions options{filters(golden), golden.constant("gamma"), golden.constant("ref_weight"),
                              static_cast<int64_t>(golden.constant("ref_mic"))};
  const Variable images = far_field_images(estimate, far, options.fcp.far, options.fcp.xi);
  golden.expect_equal(mixture_constraint(images, far).value(), "unssor.mixture_constraint", result32);
  golden.expect_equal(isms(images, far).value(), "unssor.isms", result32);
  const Variable loss = unssor_loss(estimate, far, options);
  golden.expect_equal(loss.value(), "unssor.loss", result32);
  backward(loss);
  expect_complex(golden, estimate.grad(), "unssor.grad_estimate", gradient32, golden.largest("unssor.grad_"));
}

// What is separated is one microphone's image, with the weight of them all.
TEST_P(GoldenFarField, FcpImageIsThatOfTheReferenceMicrophone) {
  SUNDER_NEEDS_SHARED("golden/models/fcp_m2m.safetensors");
  const Golden golden("fcp_m2m", GetParam());
  const Tensor estimate = complex(golden, "estimate"), far = complex(golden, "far");
  const Tensor all =
      complex(golden, "image_far").cast(GetParam() == DType::float64 ? DType::complex128 : DType::complex64);
  for (int64_t reference = 0; reference < far.size(1); ++reference) {
    const Tensor microphone = columns(far, reference, reference + 1);
    const Tensor image = fcp(estimate, microphone, fcp_weight(far, 1, golden.constant("xi")), filter(golden))
                             .images.reshape(estimate.shape());
    const auto actual = image.cast(DType::complex128).to_vector<complex128>();
    const auto expected = columns(all, reference, reference + 1).cast(DType::complex128).to_vector<complex128>();
    ASSERT_EQ(image.shape(), estimate.shape());
    double difference = 0, largest = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
      difference = std::max(difference, std::abs(actual[i] - expected[i]));
      largest = std::max(largest, std::abs(expected[i]));
    }
    EXPECT_LE(difference, (GetParam() == DType::float64 ? 1e-9 : 10 * result32) * largest);
  }
}

TEST_P(GoldenFarField, PitRiMag) {
  SUNDER_NEEDS_SHARED("golden/models/pit_ri_mag.safetensors");
  const Golden golden("pit_ri_mag", GetParam());
  const Tensor references = complex(golden, "reference");
  const Variable estimates(complex(golden, "estimate"), true);
  const Shape shape = references.shape();  // the mixture is the sum of the references
  const Tensor mixtures = sum(Variable(references.as_real()), {1}).value().as_complex();
  const PitRiMag result = pit_ri_mag(references, mixtures, estimates.value());
  golden.expect_equal(result.loss, "loss", result32);
  EXPECT_EQ(result.permutation.to_vector<int64_t>(), golden.file().tensors.at("best").to_vector<int64_t>());
  backward(sum(pit_ri_mag(references, mixtures, estimates)));  // the file's is that of the sum over the batch
  expect_complex(golden, estimates.grad(), "grad.estimate", gradient32, golden.largest("grad."));
  const double total = sum(Variable(golden("loss"))).value().item();
  EXPECT_NEAR(pit_ri_mag_loss(references, mixtures, estimates).value().item(), total / static_cast<double>(shape[0]),
              GetParam() == DType::float64 ? 1e-12 : 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Precisions, GoldenFarField, testing::Values(DType::float64, DType::float32),
                         [](const auto& test) { return to_string(test.param); });

}  // namespace
}  // namespace sunder
