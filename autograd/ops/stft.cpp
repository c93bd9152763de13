#include "tensor/ops/stft.h"

#include "autograd/ops.h"

namespace sunder {

// X[t, k] = sum over n of w[n] p[t hop + n] e^(-i k n') with n' = 2 pi n / N and p the reflected signal. With G =
// dL/dRe X + i dL/dIm X, dL/dp[m] = sum over t, n = m - t hop of w[n] Re sum over k of G[t, k] e^(i k n'): the inverse
// transform without the doubling of the inner bins. p[m] repeats a sample of the signal and gives its gradient to it.
Variable stft(const Variable& signal, const Tensor& window, int64_t hop_length) {
  return record("stft", stft(signal.value(), window, hop_length), {signal},
                [window, hop_length, length = signal.size(-1)](const Tensor& grad) -> std::vector<Tensor> {
                  return {stft_backward(grad, window, hop_length, length)};
                });
}

}  // namespace sunder
