#include "nn/foreign_filterbank.h"

#include <cmath>

#include "tensor/ops/stft.h"

namespace sunder {
namespace {

bool close(double a, double b, double largest) { return std::abs(a - b) <= foreign_stft_tolerance * largest; }

// filters: (2 F, n_fft) float64 -> the window that the first bins' cosines and sines have in common, times their level.
std::vector<double> envelope(const double* filters, int64_t n_fft) {
  const int64_t bins = n_fft / 2 + 1;
  std::vector<double> result(n_fft);
  for (int64_t n = 0; n < n_fft; ++n) result[n] = std::hypot(filters[n_fft + n], filters[(bins + 1) * n_fft + n]);
  return result;
}

bool is_stft(const double* filters, const double* window, double level, int64_t n_fft) {
  const int64_t bins = n_fft / 2 + 1;
  for (int64_t k = 0; k < bins; ++k) {
    const double at_bin = level * (k == 0 || k == bins - 1 ? 1 / std::sqrt(2.0) : 1);
    for (int64_t n = 0; n < n_fft; ++n) {
      const double angle = 2 * M_PI * static_cast<double>(k * n % n_fft) / static_cast<double>(n_fft);
      const double sine = k == 0 || k == bins - 1 ? 0 : std::sin(angle);
      if (!close(filters[k * n_fft + n], at_bin * window[n] * std::cos(angle), level) ||
          !close(filters[(bins + k) * n_fft + n], -at_bin * window[n] * sine, level))
        return false;
    }
  }
  return true;
}

// filters: (2 F, 1, K)
std::optional<ForeignStft> stft_of(const Tensor& filters) {
  const int64_t n_fft = filters.size(2);
  if (!is_real(filters.dtype()) || n_fft < 4 || n_fft % 2 != 0 || n_fft > 1 << 16 || filters.size(0) != n_fft + 2)
    return std::nullopt;
  const Tensor in_float64 = filters.cast(DType::float64);
  const double* values = in_float64.data<double>();
  const std::vector<double> envelope_of_bin = envelope(values, n_fft);
  for (const std::string& name : window_names()) {
    const std::vector<double> window = make_window(name, n_fft, DType::float64).to_vector<double>();
    double energy = 0, of_window = 0;
    for (int64_t n = 0; n < n_fft; ++n) {
      energy += envelope_of_bin[n] * envelope_of_bin[n];
      of_window += window[n] * window[n];
    }
    const double level = std::sqrt(energy / of_window);  // 2 sqrt(hop_length) / n_fft
    const double hop = std::pow(level * static_cast<double>(n_fft) / 2, 2);
    if (!(hop > 0.5 && hop < static_cast<double>(n_fft)) || std::abs(hop - std::round(hop)) > 1e-3 * hop) continue;
    if (is_stft(values, window.data(), level, n_fft)) return ForeignStft{n_fft, std::llround(hop), name, {}};
  }
  return std::nullopt;
}

}  // namespace

std::optional<ForeignStft> find_stft(const SafeTensors& file, const std::string& source, const std::string& prefix) {
  std::optional<ForeignStft> result;
  for (const std::string part : {"encoder.", "decoder."}) {
    for (const auto& [name, tensor] : file.tensors) {
      if (!name.starts_with(prefix + part) || tensor.dim() != 3 || tensor.size(1) != 1) continue;
      std::optional<ForeignStft> found = stft_of(tensor);
      if (!found)
        throw_error<ModelError>(
            "{}: {} of shape {} is a bank of learned filters or of a window that Sunder does not know: there is no "
            "time-domain Conv-TasNet in Sunder yet, only networks on STFT spectra",
            source, name, to_string(tensor.shape()));
      if (result &&
          (found->hop_length != result->hop_length || found->window != result->window || found->n_fft != result->n_fft))
        throw_error<ModelError>("{}: expected {} to be the STFT of {}, found a {} window of {} samples with hop {}",
                                source, name, result->tensors[0], found->window, found->n_fft, found->hop_length);
      if (result) found->tensors = result->tensors;
      found->tensors.push_back(name);
      result = found;
    }
  }
  return result;
}

}  // namespace sunder
