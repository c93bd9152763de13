#include "tensor/ops/istft.h"

#include "autograd/ops.h"

namespace sunder {

// y[i] = 1 / e[i] sum over t of w[n] f_t[n], n = i + pad - t hop, e the overlap-added squared window, and f_t[n] = 1/N
// sum over k of c_k (Re X cos kn' - Im X sin kn'), n' = 2 pi n / N, c_k = 1 for the real bins,
// else 2. With g_t[n] = w[n] dy[i] / e[i], dL/dRe X + i dL/dIm X = c_k / N sum over n of g_t[n] e^(-i k n'): the
// transform of g_t.
Variable istft(const Variable& spectrum, const Tensor& window, int64_t hop_length, int64_t length) {
  return record("istft", istft(spectrum.value(), window, hop_length, length), {spectrum},
                [window, hop_length, frames = spectrum.size(-2)](const Tensor& grad) -> std::vector<Tensor> {
                  return {istft_backward(grad, window, hop_length, frames)};
                });
}

}  // namespace sunder
