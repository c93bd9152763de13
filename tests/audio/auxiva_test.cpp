#include "audio/auxiva.h"

#include <gtest/gtest.h>

#include <complex>

#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

constexpr int64_t microphones = 3, frames = 60, bins = 7;

// Two sources that take turns, mixed anew in every bin, with noise.
Tensor scene() {
  uint32_t state = 12345;
  const auto next = [&] {
    state = state * 1664525u + 1013904223u;
    return state / 0x1p31 - 1;
  };
  const auto number = [&] {
    const double real = next();
    return complex128(real, next());
  };
  std::vector<complex128> sources(2 * frames * bins);
  for (int64_t s = 0; s < 2; ++s)
    for (int64_t t = 0; t < frames; ++t)
      for (int64_t f = 0; f < bins; ++f)
        sources[(s * frames + t) * bins + f] = (t / (5 + 4 * s) % 2 == s ? 1.0 : 0.1) * number();
  const Tensor spectra = Tensor::empty({microphones, frames, bins}, DType::complex128);
  for (int64_t f = 0; f < bins; ++f) {
    complex128 mixing[microphones][2];
    for (auto& row : mixing)
      for (complex128& gain : row) gain = number();
    for (int64_t m = 0; m < microphones; ++m)
      for (int64_t t = 0; t < frames; ++t)
        spectra.mutable_data<complex128>()[(m * frames + t) * bins + f] =
            mixing[m][0] * sources[t * bins + f] + mixing[m][1] * sources[(frames + t) * bins + f] + 0.01 * number();
  }
  return spectra;
}

// Values of pyroomacoustics 0.10.1: bss.auxiva(X, n_src=sources, n_iter=10).
TEST(AuxIva, EqualsPyroomacoustics) {
  struct Value {
    int64_t s, t, f;
    complex128 value;
  };
  const auto check = [](int64_t sources, const std::vector<Value>& values, const std::vector<double>& energies) {
    const Tensor found = auxiva(scene(), {.sources = sources, .iterations = 10});
    ASSERT_EQ(found.shape(), (Shape{sources, frames, bins}));
    const auto* data = found.data<complex128>();
    for (const Value& v : values)
      EXPECT_LT(std::abs(data[(v.s * frames + v.t) * bins + v.f] - v.value), 1e-11) << sources << " " << v.s;
    for (int64_t s = 0; s < sources; ++s) {
      double energy = 0;
      for (int64_t i = 0; i < frames * bins; ++i) energy += std::norm(data[s * frames * bins + i]);
      EXPECT_NEAR(energy, energies[s], 1e-10 * energies[s]);
    }
  };
  check(2,
        {{0, 0, 0, {-0.0363534381156874, 0.0731621264344683}},
         {1, 0, 0, {-0.0674235095228794, 0.608589094948888}},
         {0, 17, 3, {0.226219649642444, 0.843505486817266}},
         {1, 59, 6, {0.0321315904357349, 0.0784190649633641}},
         {1, 30, 2, {0.625340732961596, -0.199631943663095}}},
        {89.9256024117952, 103.171389609253});
  check(3,
        {{0, 0, 0, {0.00160410579820253, -0.00776721470141178}},
         {1, 0, 0, {-0.0391890399335033, 0.0619378675035942}},
         {0, 17, 3, {0.032334082621428, -0.0114171780607228}},
         {1, 59, 6, {0.0298023793826481, -0.019335926164228}},
         {2, 30, 2, {0.63453258849489, -0.202053315879306}}},
        {0.56196994220146, 90.0108139519775, 103.086048509142});
}

TEST(AuxIva, ThreadsDoNotChangeABit) {
  set_num_threads(1);
  const auto alone = auxiva(scene()).to_vector<complex128>();
  set_num_threads(3);
  EXPECT_EQ(auxiva(scene()).to_vector<complex128>(), alone);
  set_num_threads(0);
}

TEST(AuxIva, SilenceStaysSilent) {
  for (const auto value : auxiva(Tensor::zeros({2, 9, 3}, DType::complex64)).to_vector<complex64>())
    EXPECT_EQ(value, complex64(0));
  // A dead microphone.
  const Tensor spectra = scene();
  std::fill_n(spectra.mutable_data<complex128>() + frames * bins, frames * bins, complex128(0));
  for (const auto value : auxiva(spectra).to_vector<complex128>()) EXPECT_TRUE(std::isfinite(std::abs(value)));
}

TEST(AuxIva, WrongInputsAreRefused) {
  EXPECT_THROW(auxiva(scene(), {.sources = 4}), Error);
  EXPECT_THROW(auxiva(scene(), {.sources = 0}), Error);
  EXPECT_THROW(auxiva(Tensor::zeros({2, 9, 3}, DType::float64)), Error);
  EXPECT_THROW(auxiva(Tensor::zeros({9, 3}, DType::complex128)), Error);
}

}  // namespace
}  // namespace sunder
