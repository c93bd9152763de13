#include "tensor/ops/istft.h"

#include <cmath>
#include <numbers>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// Sample by sample from the definition: every frame's inverse transform at this sample, weighted, and divided.
std::vector<Tensor> reference(const std::vector<Tensor>& in, int64_t hop, int64_t length) {
  const auto x = in[0].to_vector<complex128>();
  const auto w = in[1].to_vector<double>();
  const int64_t frames = in[0].size(-2), bins = in[0].size(-1), n_fft = in[1].numel();
  Shape shape = in[0].shape();
  shape.pop_back();
  shape.back() = length;
  return {generate(shape, [&](int64_t flat) {
    const int64_t signal = flat / length, position = flat % length + n_fft / 2;
    double sum = 0, overlap = 0;
    for (int64_t t = 0; t < frames; ++t) {
      const int64_t n = position - t * hop;
      if (n < 0 || n >= n_fft) continue;
      complex128 sample = 0;
      for (int64_t k = 0; k < n_fft; ++k) {  // the full spectrum, its upper half mirrored
        complex128 value = x[(signal * frames + t) * bins + std::min(k, n_fft - k)];
        if (k == 0 || 2 * k == n_fft) value = value.real();
        else if (2 * k > n_fft) value = std::conj(value);
        sample += value * std::polar(1.0, 2 * std::numbers::pi * static_cast<double>(k * n % n_fft) /
                                              static_cast<double>(n_fft));
      }
      sum += w[n] * sample.real() / static_cast<double>(n_fft);
      overlap += w[n] * w[n];
    }
    return sum / overlap;
  })};
}

Example example(const std::string& name, Shape leading, int64_t frames, int64_t n_fft, int64_t hop, int64_t length) {
  leading.push_back(frames);
  leading.push_back(n_fft / 2 + 1);
  Example result{name,
                 {random_tensor(leading, 1, DType::complex128), random_tensor({n_fft}, 7, DType::float64, 0.2, 1)},
                 [=](const auto& in) { return std::vector{istft(in[0], in[1].value(), hop, length)}; },
                 [=](const auto& in) { return reference(in, hop, length); },
                 {true, false}};
  result.tolerance64 = 1e-14;
  result.tolerance32 = 1e-6;
  return result;
}

void call(int64_t frames, int64_t hop, int64_t length,
          const Tensor& window = random_tensor({8}, 2, DType::float64, 0.5)) {
  istft(random_tensor({2, frames, 5}, 1, DType::complex128), window, hop, length);
}

// Zero in its first half: the last samples that are asked for are covered by zeros alone.
Tensor half_window() {
  return generate({8}, [](int64_t n) { return n < 4 ? 0.0 : 1.0; });
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {{example("", {batch}, frames, n_fft, hop_length, samples),
           transform_flops * static_cast<double>(batch * frames)}};
}

}  // namespace

Case istft_case() {
  return {
      "istft",
      benchmarks,
      {example("3x51_n16_hop4", {3}, 51, 16, 4, 200), example("2x2x10_n32_hop8", {2, 2}, 10, 32, 8, 77),
       example("longest_5_n8_hop4", {}, 5, 8, 4, 20), example("one_frame_n16", {2}, 1, 16, 4, 8),
       example("several_pieces_2x230_n8_hop2", {2}, 230, 8, 2, 459), example("no_overlap_4_n8_hop8", {}, 4, 8, 8, 28),
       example("more_frames_than_needed", {1}, 30, 8, 2, 13), example("even_size_2x13_n12_hop5", {2}, 13, 12, 5, 61),
       example("odd_size_2x15_n15_hop4", {2}, 15, 15, 4, 60), example("n2_hop1", {}, 9, 2, 1, 9),
       example("length_0", {2}, 3, 8, 2, 0), example("no_signals", {0}, 3, 8, 2, 6)},
      {{"[istft] expected a length of 0 to 20 samples, which 5 frames cover, got 21", [] { call(5, 4, 21); }},
       {"[istft] expected a length of 0 to 0 samples, which 0 frames cover, got 1", [] { call(0, 4, 1); }},
       {"got -1", [] { call(5, 4, -1); }},
       {"[istft] expected a hop length of at least 1, got 0", [] { call(5, 0, 1); }},
       {"[istft] expected a complex spectrum of shape (..., T, 6)",
        [] { call(5, 4, 16, random_tensor({10}, 2, DType::float64, 0.5)); }},
       {"[istft] expected a complex spectrum",
        [] {
          istft(random_tensor({3, 5}, 1), random_tensor({8}, 2), 2, 4);
        }},
       {"[istft] expected a complex spectrum", [] { call(5, 4, 16, random_tensor({8}, 2).cast(DType::float32)); }},
       {"[istft] expected squared windows that add up to more than 1e-11 everywhere, got 0 at sample 16",
        [] {
          call(5, 4, 20, Tensor::from(std::vector<double>{1, 1, 1, 1, 0, 0, 0, 0}, {8}));
        }},
       {"got 0 at sample 4 (window of 8, hop length 8)", [] { call(5, 8, 30, half_window()); }},
       {"[istft_backward] expected tensors of one dtype", [] {
          istft_backward(random_tensor({2, 16}, 1), random_tensor({8}, 2).cast(DType::float32), 4, 5);
        }}}};
}

}  // namespace sunder::cases
