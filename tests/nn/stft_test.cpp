#include "nn/stft.h"
#include "tensor/ops/stft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>

#include "autograd/ops.h"
#include "tensor/ops/istft.h"
#include "tensor/random.h"
#include "tests/golden.h"

namespace sunder {
namespace {

Tensor noise(Shape shape, DType dtype = DType::float64) {
  Tensor result = Tensor::empty(std::move(shape), DType::float64);
  Random random(4, RandomUse::test);
  for (int64_t i = 0; i < result.numel(); ++i) result.mutable_data<double>()[i] = random.uniform(-1, 1);
  return result.cast(dtype);
}

double max_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  const auto x = a.cast(DType::float64).to_vector<double>(), y = b.cast(DType::float64).to_vector<double>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

std::string usage_error(const std::function<void()>& call) {
  try {
    call();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no UsageError was thrown";
}

TEST(WindowTest, HannIsPeriodicSymmetricAndAddsUpToOne) {
  for (int64_t n_fft : {4, 64, 512}) {
    const auto w = make_window("hann", n_fft, DType::float64).to_vector<double>();
    double sum = 0;
    for (int64_t n = 0; n < n_fft; ++n) {
      sum += w[n];
      EXPECT_NEAR(w[n], w[(n_fft - n) % n_fft], 1e-15) << "symmetric about its middle";
      EXPECT_NEAR(w[n] + w[(n + n_fft / 2) % n_fft], 1, 1e-15) << "periodic: half a window apart, two add up to one";
    }
    EXPECT_EQ(w[0], 0);
    EXPECT_EQ(w[n_fft / 2], 1);
    EXPECT_NEAR(sum, static_cast<double>(n_fft) / 2, 1e-12);
  }
}

TEST(WindowTest, SqrtHannIsPowerComplementary) {
  const auto w = make_window("sqrt_hann", 256, DType::float64).to_vector<double>();
  for (int64_t n = 0; n < 128; ++n) EXPECT_NEAR(w[n] * w[n] + w[n + 128] * w[n + 128], 1, 1e-15);
}

TEST(WindowTest, HammingAndRectangularHaveTheirConstants) {
  const auto w = make_window("hamming", 100, DType::float64).to_vector<double>();
  EXPECT_NEAR(w[0], 0.08, 1e-15);
  EXPECT_NEAR(w[50], 1, 1e-15);
  EXPECT_NEAR(w[25], 0.54, 1e-15);
  EXPECT_EQ(make_window("rectangular", 3, DType::float32).to_vector<float>(), (std::vector<float>{1, 1, 1}));
}

TEST(WindowTest, RejectsUnknownNamesAndSizes) {
  EXPECT_EQ(usage_error([] { make_window("han", 4, DType::float32); }),
            "window: expected hann, sqrt_hann, hamming or rectangular, got han");
  EXPECT_EQ(usage_error([] { make_window("hann", 0, DType::float32); }), "n_fft: expected at least 1, got 0");
}

TEST(StftTest, ReconstructsEverySampleAtEveryLength) {
  for (const StftConfig& config :
       {StftConfig{512, 128, "hann"}, StftConfig{256, 64, "sqrt_hann"}, StftConfig{64, 32, "hamming"},
        StftConfig{60, 15, "hann"}, StftConfig{33, 8, "hann"}, StftConfig{16, 8, "rectangular"}}) {
    const Stft transform(config, DType::float64), single(config, DType::float32);
    for (int64_t length : {transform.shortest_signal(), config.n_fft, 3 * config.n_fft + 1, int64_t{1777}}) {
      const Tensor signal = noise({2, 3, length}), spectrum = transform.forward(signal);
      EXPECT_EQ(spectrum.shape(), (Shape{2, 3, transform.frames(length), transform.bins()}));
      EXPECT_LE(max_difference(transform.inverse(spectrum, length), signal), 1e-13)
          << config.window << " " << config.n_fft << " length " << length;
      const Tensor rounded = signal.cast(DType::float32);
      EXPECT_LE(max_difference(single.inverse(single.forward(rounded), length), rounded), 3e-6);
    }
  }
}

TEST(StftTest, AToneStandsInItsBin) {
  const Stft transform(StftConfig{}, DType::float64);
  Tensor tone = Tensor::empty({8000}, DType::float64);
  for (int64_t i = 0; i < 8000; ++i)
    tone.mutable_data<double>()[i] = std::cos(2 * M_PI * 32 * static_cast<double>(i) / 512);
  const Tensor spectrum = transform.forward(tone);
  const complex128* frame = spectrum.data<complex128>() + 30 * transform.bins();
  EXPECT_NEAR(std::abs(frame[32]), 128, 1e-9);  // half the window's sum
  EXPECT_NEAR(std::abs(frame[31]), 64, 1e-9);   // the Hann window's neighbours
  EXPECT_NEAR(std::abs(frame[35]), 0, 1e-9);
}

TEST(StftTest, FrameCountsAsInTheSpecification) {
  const Stft transform;
  EXPECT_EQ(transform.frames(24000), 188);
  EXPECT_EQ(transform.frames(8000), 63);
  EXPECT_EQ(transform.bins(), 257);
}

// Inverse after forward is the identity, so its gradient is, too: the two adjoints must fit each other.
TEST(StftTest, GradientsPassThroughThereAndBack) {
  const Stft transform(StftConfig{32, 8, "hann"}, DType::float64);
  const Variable signal(noise({2, 101}), true);
  const Tensor cotangent = noise({2, 101});
  backward(transform.inverse(transform.forward(signal), 101), cotangent);
  EXPECT_LE(max_difference(signal.grad(), cotangent), 1e-13);
}

TEST(StftTest, RejectsWhatCannotBePutTogetherAgain) {
  EXPECT_EQ(usage_error([] { Stft(StftConfig{512, 0, "hann"}); }), "hop_length: expected at least 1, got 0");
  EXPECT_EQ(usage_error([] {
              Stft(StftConfig{512, 512, "hann"});
            }),
            "hop_length: expected a hop that allows reconstruction, got 512 for a hann window of 512 samples");
  EXPECT_EQ(usage_error([] { Stft(StftConfig{16, 16, "rectangular"}); }).substr(0, 11), "hop_length:");
  EXPECT_THROW(Stft().forward(noise({256}, DType::float32)), Error);
}

// One length stands for all: the answer is that of trying each length modulo the hop.
TEST(StftTest, TheHopIsCheckedForEveryLength) {
  for (const char* window : {"hann", "sqrt_hann", "rectangular"})
    for (int64_t n_fft = 2; n_fft <= 12; ++n_fft)
      for (int64_t hop = 1; hop <= n_fft + 1; ++hop) {
        const Tensor values = make_window(window, n_fft, DType::float64);
        bool works = true;
        const int64_t shortest = 2 * (n_fft + hop);
        for (int64_t length = shortest; works && length < shortest + hop; ++length) try {
            istft_overlap(values, hop, stft_frames(length, n_fft, hop), length);
          } catch (const Error&) {
            works = false;
          }
        const bool accepted = usage_error([&] { Stft(StftConfig{n_fft, hop, window}); }).starts_with("no UsageError");
        EXPECT_EQ(accepted, works) << window << " " << n_fft << " " << hop;
      }
  // A hop of many samples once took hours.
  EXPECT_THROW(Stft(StftConfig{1 << 16, 1 << 16, "hann"}), UsageError);
  EXPECT_NO_THROW(Stft(StftConfig{1 << 16, 1 << 14, "hann"}));
}

// Tensors of PyTorch's torch.stft and torch.istft; (bin, frame, re/im) there, (frame, bin) here.
class GoldenStft : public testing::TestWithParam<std::tuple<const char*, DType>> {
 protected:
  static Tensor to_complex(const Tensor& pairs) {
    Tensor result = Tensor::empty({pairs.size(1), pairs.size(0)}, complex_of(pairs.dtype()));
    visit_real("golden", pairs.dtype(), [&]<class T>() {
      const T* from = pairs.data<T>();
      for (int64_t f = 0; f < pairs.size(0); ++f)
        for (int64_t t = 0; t < pairs.size(1); ++t, from += 2)
          result.mutable_data<std::complex<T>>()[t * pairs.size(0) + f] = {from[0], from[1]};
    });
    return result;
  }

  static Tensor to_pairs(const Tensor& spectrum) {
    Tensor result = Tensor::empty({spectrum.size(1), spectrum.size(0), 2}, real_of(spectrum.dtype()));
    visit_real("golden", result.dtype(), [&]<class T>() {
      T* to = result.mutable_data<T>();
      for (int64_t f = 0; f < spectrum.size(1); ++f)
        for (int64_t t = 0; t < spectrum.size(0); ++t) {
          const std::complex<T> value = spectrum.data<std::complex<T>>()[t * spectrum.size(1) + f];
          *to++ = value.real();
          *to++ = value.imag();
        }
    });
    return result;
  }
};

TEST_P(GoldenStft, EqualsPyTorch) {
  const auto& [name, dtype] = GetParam();
  SUNDER_NEEDS_SHARED(std::string("golden/models/") + name + ".safetensors");
  const Golden golden(name, dtype);
  const double float32 = 3e-7;  // PyTorch's own float32 run, the larger of the two files
  const StftConfig config{static_cast<int64_t>(golden.constant("n_fft")),
                          static_cast<int64_t>(golden.constant("hop_length")), golden.file().metadata.at("window")};
  const Stft transform(config, dtype);
  golden.expect_equal(transform.window(), "window", float32);
  for (const std::string length : {"even", "odd", "short"}) {
    const Tensor signal = golden(length + ".signal"), spectrum = to_complex(golden(length + ".spectrum"));
    golden.expect_equal(to_pairs(transform.forward(signal)), length + ".spectrum", float32);
    golden.expect_equal(transform.inverse(spectrum, signal.numel()), length + ".reconstruction", float32);
  }
  const Variable any(to_complex(golden("short.any_spectrum")), true);
  const Tensor cotangent = golden("short.any_cotangent");
  const Variable reconstruction = transform.inverse(any, cotangent.numel());
  golden.expect_equal(reconstruction.value(), "short.any_reconstruction", float32);
  backward(reconstruction, cotangent);
  golden.expect_equal(to_pairs(any.grad()), "short.grad_any_spectrum", float32, golden.largest("short.grad_"));
}

// Whether a hop allows reconstruction takes no time that grows with the windows over one another. A hundredth of the
// bound on an idle machine.
TEST(StftTest, ShortHopsAreCheckedAtOnce) {
  const std::clock_t begin = std::clock();
  for (const std::string& window : window_names()) EXPECT_EQ(Stft({1 << 16, 1, window}).frames(10), 11);
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 1);
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenStft,
                         testing::Combine(testing::Values("stft_512_128_hann", "stft_256_64_sqrt_hann"),
                                          testing::Values(DType::float64, DType::float32)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param)) + "_" + to_string(std::get<1>(test.param));
                         });

// The same network input: |STFT| of a batch.
TEST(GoldenMagnitude, EqualsMixCycle) {
  SUNDER_NEEDS_SHARED("golden/models/stft_conv_tasnet_s2.safetensors");
  for (DType dtype : {DType::float64, DType::float32}) {
    const Golden golden("stft_conv_tasnet_s2", dtype);
    const Stft transform({static_cast<int64_t>(golden.constant("n_fft")),
                          static_cast<int64_t>(golden.constant("hop_length")), golden.file().metadata.at("window")},
                         dtype);
    const Variable spectrum = transform.forward(Variable(golden("input")));
    const Tensor values = magnitude(spectrum).value();  // (B, 1, T, F); the file has (B, F, T)
    Tensor transposed = Tensor::empty({values.size(0), values.size(3), values.size(2)}, dtype);
    visit_real("golden", dtype, [&]<class T>() {
      T* to = transposed.mutable_data<T>();
      for (int64_t b = 0; b < values.size(0); ++b)
        for (int64_t f = 0; f < values.size(3); ++f)
          for (int64_t t = 0; t < values.size(2); ++t)
            *to++ = values.data<T>()[(b * values.size(2) + t) * values.size(3) + f];
    });
    golden.expect_equal(transposed, "magnitude", 2e-6);
  }
}

}  // namespace
}  // namespace sunder
