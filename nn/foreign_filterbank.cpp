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

namespace {

// The tensors (N, 1, K) whose names begin with `prefix`.
std::vector<std::string> banks(const SafeTensors& file, const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors)
    if (name.starts_with(prefix) && tensor.dim() == 3 && tensor.size(1) == 1) names.push_back(name);
  return names;
}

// `bank` is an STFT with a window; `also` is what is known of the other side.
void check_alike(const std::string& source, const std::string& bank, const ForeignStft& found,
                 const ForeignStft& also) {
  if (found.hop_length == also.hop_length && found.window == also.window && found.n_fft == also.n_fft) return;
  throw_error<ModelError>("{}: expected {} to be the STFT of {}, found a {} window of {} samples with hop {}", source,
                          bank, also.tensors[0], found.window, found.n_fft, found.hop_length);
}

}  // namespace

ForeignFilterbank find_filterbank(const SafeTensors& file, const std::string& source, const std::string& prefix) {
  const std::vector<std::string> encoders = banks(file, prefix + "encoder."),
                                 decoders = banks(file, prefix + "decoder.");
  ForeignFilterbank result;
  std::vector<std::string> learned, all = encoders;
  all.insert(all.end(), decoders.begin(), decoders.end());
  for (const std::string& name : all) {
    std::optional<ForeignStft> found = stft_of(file.tensors.at(name));
    if (!found) {
      learned.push_back(name);
      continue;
    }
    if (result.stft) check_alike(source, name, *found, *result.stft);
    else result.stft = found;
    result.stft->tensors.push_back(name);
  }
  if (learned.empty()) return result;
  const auto shape = [&](const std::string& name) { return to_string(file.tensors.at(name).shape()); };
  if (result.stft)
    throw_error<ModelError>(
        "{}: expected {} of shape {} to be the STFT of {}, found filters that were learned or of a "
        "window that Sunder does not know",
        source, learned[0], shape(learned[0]), result.stft->tensors[0]);
  if (encoders.size() != 1 || decoders.size() != 1)
    throw_error<ModelError>("{}: expected learned filters (N, 1, K) of one encoder and one decoder, found {}", source,
                            fmt::join(all, ", "));
  if (file.tensors.at(encoders[0]).shape() != file.tensors.at(decoders[0]).shape())
    throw_error<ModelError>("{}: expected {} of shape {}, as {}, found {}", source, decoders[0], shape(encoders[0]),
                            encoders[0], shape(decoders[0]));
  result.learned = ForeignFilters{encoders[0], decoders[0]};
  return result;
}

}  // namespace sunder
