#include "tensor/ops/stft.h"

#include <cmath>
#include <numbers>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// The definition: reflect, cut, multiply, and a sum over cosines and sines for every bin.
std::vector<Tensor> reference(const std::vector<Tensor>& in, int64_t hop) {
  const auto x = in[0].to_vector<double>(), w = in[1].to_vector<double>();
  const int64_t length = in[0].size(-1), n_fft = in[1].numel(), pad = n_fft / 2, bins = n_fft / 2 + 1;
  const int64_t frames = (length + 2 * pad - n_fft) / hop + 1, signals = length > 0 ? in[0].numel() / length : 0;
  Shape shape = in[0].shape();
  shape.back() = frames;
  shape.push_back(bins);
  Tensor result = Tensor::empty(shape, DType::complex128);
  complex128* out = result.mutable_data<complex128>();
  for (int64_t b = 0; b < signals; ++b) {
    for (int64_t t = 0; t < frames; ++t) {
      for (int64_t k = 0; k < bins; ++k) {
        complex128 sum = 0;
        for (int64_t n = 0; n < n_fft; ++n) {
          int64_t i = std::abs(t * hop + n - pad);
          if (i >= length) i = 2 * (length - 1) - i;
          sum +=
              w[n] * x[b * length + i] *
              std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k * n % n_fft) / static_cast<double>(n_fft));
        }
        *out++ = sum;
      }
    }
  }
  return {result};
}

Example example(const std::string& name, Shape shape, int64_t n_fft, int64_t hop) {
  Example result{name,
                 {random_tensor(shape, 1), random_tensor({n_fft}, 7, DType::float64, 0.2, 1)},
                 [=](const auto& in) { return std::vector{stft(in[0], in[1].value(), hop)}; },
                 [=](const auto& in) { return reference(in, hop); },
                 {true, false}};
  result.tolerance64 = 1e-13;
  result.tolerance32 = 1e-6;
  return result;
}

void call(int64_t length, int64_t n_fft, int64_t hop) {
  stft(random_tensor({2, length}, 1), random_tensor({n_fft}, 2), hop);
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {{example("", {batch, samples}, n_fft, hop_length), transform_flops * static_cast<double>(batch * frames)}};
}

}  // namespace

Case stft_case() {
  return {
      "stft",
      benchmarks,
      {example("3x200_n16_hop4", {3, 200}, 16, 4), example("2x2x77_n32_hop8", {2, 2, 77}, 32, 8),
       example("whole_hops_64_n8_hop4", {64}, 8, 4), example("shortest_1x5_n8_hop8", {1, 5}, 8, 8),
       example("hop_beyond_window_50_n4_hop7", {50}, 4, 7), example("several_pieces_2x450_n8_hop2", {2, 450}, 8, 2),
       example("even_size_2x61_n12_hop5", {2, 61}, 12, 5), example("odd_size_2x60_n15_hop4", {2, 60}, 15, 4),
       example("prime_size_40_n13_hop3", {40}, 13, 3), example("n2_hop1", {9}, 2, 1), example("n1_hop1", {4}, 1, 1),
       example("no_signals_0x20_n8_hop2", {0, 20}, 8, 2)},
      {{"[stft] expected a signal of more than 8 samples (half a window, to reflect), got 8", [] { call(8, 16, 4); }},
       {"[stft] expected a hop length of at least 1, got 0", [] { call(50, 16, 0); }},
       {"[stft] expected a window of at least 1 sample", [] { call(50, 0, 4); }},
       {"[stft] expected window with 1 axes",
        [] {
          stft(random_tensor({50}, 1), random_tensor({2, 8}, 2), 4);
        }},
       {"[stft] expected a signal of shape (..., L) in float32 or float64, got complex128",
        [] { stft(random_tensor({50}, 1, DType::complex128), random_tensor({8}, 2, DType::complex128), 4); }},
       {"[stft] expected tensors of one dtype",
        [] { stft(random_tensor({50}, 1), random_tensor({8}, 2).cast(DType::float32), 4); }},
       {"[stft_backward] expected grad_spectrum of shape (..., 6, 5)", [] {
          stft_backward(random_tensor({7, 5}, 1, DType::complex128), random_tensor({8}, 2), 4, 20);
        }}}};
}

}  // namespace sunder::cases
