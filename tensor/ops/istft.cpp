#include "tensor/ops/istft.h"

#include "tensor/framing.h"

namespace sunder {
namespace {

// result[i] = x[i] * factor[i]
template <class T>
SUNDER_SIMD void multiply(const T* x, const T* factor, T* result, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) result[i] = x[i] * factor[i];
}

SUNDER_SIMD void add_squares(const double* window, double* sum, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) sum[i] += window[i] * window[i];
}

// 1 / overlap, and the window divided by n_fft (the transforms are not normalised).
template <class T>
struct Weights {
  std::vector<T> samples, window;

  Weights(const Tensor& of, int64_t hop_length, int64_t frames, int64_t length) {
    const std::vector<double> overlap = istft_overlap(of, hop_length, frames, length);
    samples.resize(overlap.size());
    std::transform(overlap.begin(), overlap.end(), samples.begin(), [](double sum) { return static_cast<T>(1 / sum); });
    for (T w : of.to_vector<T>()) window.push_back(w / static_cast<T>(of.numel()));
  }
};

Framing framing(const Tensor& spectrum, const Tensor& window, int64_t hop_length) {
  const int64_t frames = spectrum.size(-2), bins = spectrum.size(-1);
  return {spectrum.numel() / (frames * bins), frames, window.numel(), hop_length};
}

void check(const Tensor& window, int64_t hop_length, int64_t frames, int64_t length) {
  check_dim("istft", "window", window, 1);
  if (window.numel() < 1) throw_error("[istft] expected a window of at least 1 sample, got {}", describe(window));
  if (hop_length < 1) throw_error("[istft] expected a hop length of at least 1, got {}", hop_length);
  const int64_t covered = (frames - 1) * hop_length + window.numel() - window.numel() / 2;
  if (frames < 1 || length < 0 || length > covered)
    throw_error("[istft] expected a length of 0 to {} samples, which {} frames cover, got {}", frames < 1 ? 0 : covered,
                frames, length);
}

}  // namespace

std::vector<double> istft_overlap(const Tensor& window, int64_t hop_length, int64_t frames, int64_t length) {
  check(window, hop_length, frames, length);
  const std::vector<double> wide = window.cast(DType::float64).to_vector<double>();
  const int64_t n_fft = window.numel(), begin = n_fft / 2, end = begin + length;
  std::vector<double> sum(length, 0.0);
  for (int64_t t = 0; t < frames; ++t) {
    const int64_t start = t * hop_length, from = std::max(start, begin), to = std::min(start + n_fft, end);
    if (from < to) add_squares(wide.data() + (from - start), sum.data() + (from - begin), to - from);
  }
  const auto least = std::min_element(sum.begin(), sum.end());
  if (least != sum.end() && !(*least > istft_min_overlap))
    throw_error(
        "[istft] expected squared windows that add up to more than {} everywhere, got {} at sample {} (window of "
        "{}, hop length {})",
        istft_min_overlap, *least, least - sum.begin(), n_fft, hop_length);
  return sum;
}

void cpu::istft_forward(const Tensor& spectrum, const Tensor& window, int64_t hop_length, Tensor& signal) {
  const Framing frames = framing(spectrum, window, hop_length);
  const int64_t length = signal.size(-1), begin = window.numel() / 2;
  visit_real("istft", signal.dtype(), [&]<class T>() {
    const Weights<T> weights(window, hop_length, frames.frames, length);
    const auto write = [&](int64_t row, int64_t from, int64_t to, const T* sum) {
      multiply(sum, weights.samples.data() + (from - begin), signal.mutable_data<T>() + row * length + (from - begin),
               to - from);
    };
    synthesise<T>(frames, weights.window.data(), 1, spectrum.data<std::complex<T>>(), begin, begin + length, false,
                  write);
  });
}

void cpu::istft_backward(const Tensor& grad_signal, const Tensor& window, int64_t hop_length, Tensor& grad_spectrum) {
  const Framing frames = framing(grad_spectrum, window, hop_length);
  const int64_t length = grad_signal.size(-1), pad = window.numel() / 2;
  visit_real("istft", grad_signal.dtype(), [&]<class T>() {
    const Weights<T> weights(window, hop_length, frames.frames, length);
    const auto read = [&](int64_t row, int64_t begin, int64_t end, T* to) {
      const int64_t from = std::clamp(pad, begin, end), until = std::clamp(pad + length, from, end);
      std::fill(to, to + (from - begin), T(0));
      multiply(grad_signal.data<T>() + row * length + (from - pad), weights.samples.data() + (from - pad),
               to + (from - begin), until - from);
      std::fill(to + (until - begin), to + (end - begin), T(0));
    };
    analyse<T>(frames, weights.window.data(), 2, read, grad_spectrum.mutable_data<std::complex<T>>());
  });
}

Tensor istft(const Tensor& spectrum, const Tensor& window, int64_t hop_length, int64_t length) {
  check_dim("istft", "window", window, 1);
  if (!spectrum.defined() || spectrum.dim() < 2 || !is_real(window.dtype()) ||
      spectrum.dtype() != complex_of(window.dtype()) || spectrum.stream() != window.stream() ||
      spectrum.size(-1) != window.numel() / 2 + 1)
    throw_error("[istft] expected a complex spectrum of shape (..., T, {}) and the window's precision, got {} and {}",
                window.numel() / 2 + 1, describe(spectrum), describe(window));
  check(window, hop_length, spectrum.size(-2), length);
  Shape shape = spectrum.shape();
  shape.pop_back();
  shape.back() = length;
  Tensor signal = Tensor::empty(shape, window.dtype(), window.stream());
  SUNDER_DISPATCH(istft_forward, window.device())(spectrum, window, hop_length, signal);
  return signal;
}

Tensor istft_backward(const Tensor& grad_signal, const Tensor& window, int64_t hop_length, int64_t frames) {
  check_alike("istft_backward", {&grad_signal, &window});
  if (grad_signal.dim() < 1)
    throw_error("[istft_backward] expected a signal of shape (..., L), got {}", describe(grad_signal));
  check(window, hop_length, frames, grad_signal.size(-1));
  Shape shape = grad_signal.shape();
  shape.back() = frames;
  shape.push_back(window.numel() / 2 + 1);
  Tensor grad_spectrum = Tensor::empty(shape, complex_of(window.dtype()), window.stream());
  SUNDER_DISPATCH(istft_backward, window.device())(grad_signal, window, hop_length, grad_spectrum);
  return grad_spectrum;
}

}  // namespace sunder
