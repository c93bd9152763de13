#include "audio/auxiva.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "audio/auxiva_bin.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

using Complex = complex128;

constexpr int64_t bins_per_chunk = 8;
constexpr double smallest_norm = 1e-15;  // of a frame over all bins

class Separation {
 public:
  template <class T>
  Separation(const std::complex<T>* spectra, int64_t microphones, int64_t frames, int64_t bins, int64_t sources)
      : frames_(frames), sources_(sources) {
    bins_.reserve(bins);
    for (int64_t f = 0; f < bins; ++f) {
      AuxIvaBin& bin = bins_.emplace_back(microphones, frames, sources);
      for (int64_t m = 0; m < microphones; ++m)
        for (int64_t t = 0; t < frames; ++t) bin.set(m, t, Complex(spectra[(m * frames + t) * bins + f]));
      bin.begin();
    }
    width_ = bins_[0].width();
  }

  void iterate() {
    const std::vector<double> weights = frame_weights();
    parallel_for(size(), bins_per_chunk, [&](int64_t begin, int64_t end) {
      std::vector<double> scratch(2 * width_);
      for (int64_t f = begin; f < end; ++f)
        for (int64_t s = 0; s < sources_; ++s) bins_[f].update(s, &weights[s * width_], scratch.data());
    });
  }

  // result: (S, T, F)
  template <class T>
  void project_back(std::complex<T>* result) const {
    parallel_for(size(), bins_per_chunk, [&](int64_t begin, int64_t end) {
      std::vector<double> signal(2 * width_);
      const auto at = [&](const double* from, int64_t t) { return Complex(from[t], from[width_ + t]); };
      for (int64_t f = begin; f < end; ++f)
        for (int64_t s = 0; s < sources_; ++s) {
          bins_[f].demix(s, signal.data());
          Complex common = 0;
          double energy = 0;
          for (int64_t t = 0; t < frames_; ++t) {
            common += std::conj(at(signal.data(), t)) * at(bins_[f].first_microphone(), t);
            energy += std::norm(at(signal.data(), t));
          }
          const Complex gain = energy > 0 ? common / energy : 0;
          for (int64_t t = 0; t < frames_; ++t)
            result[(s * frames_ + t) * size() + f] = std::complex<T>(gain * at(signal.data(), t));
        }
    });
  }

 private:
  int64_t size() const { return static_cast<int64_t>(bins_.size()); }

  // 1 / (2 |y|) of every source and frame, the norm over all bins: (S, width).
  std::vector<double> frame_weights() const {
    const int64_t count = sources_ * width_, chunks = (size() + bins_per_chunk - 1) / bins_per_chunk;
    std::vector<double> energies(chunks * count);
    parallel_for(size(), bins_per_chunk, [&](int64_t begin, int64_t end) {
      std::vector<double> signal(2 * width_);
      for (int64_t f = begin; f < end; ++f)
        for (int64_t s = 0; s < sources_; ++s)
          bins_[f].add_energies(s, signal.data(), &energies[begin / bins_per_chunk * count + s * width_]);
    });
    std::vector<double> weights(count);
    for (int64_t i = 0; i < count; ++i) {
      double energy = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) energy += energies[chunk * count + i];
      weights[i] = 1 / std::max(2 * std::sqrt(energy), smallest_norm);
    }
    return weights;
  }

  const int64_t frames_, sources_;
  int64_t width_ = 0;  // frames with padding
  std::vector<AuxIvaBin> bins_;
};

}  // namespace

Tensor auxiva(const Tensor& spectra, const AuxIvaOptions& options) {
  check_dim("auxiva", "spectra", spectra, 3);
  if (!is_complex(spectra.dtype()) || spectra.device().is_cuda())
    throw_error("[auxiva] expected complex spectra on the CPU, got {}", describe(spectra));
  const int64_t microphones = spectra.size(0), frames = spectra.size(1), bins = spectra.size(2);
  if (options.sources < 1 || options.sources > microphones)
    throw_error("[auxiva] expected 1 to {} sources, as many as microphones, got {}", microphones, options.sources);
  Tensor result = Tensor::empty({options.sources, frames, bins}, spectra.dtype());
  if (result.numel() == 0) return result;
  const auto run = [&]<class T>(const std::complex<T>* from, std::complex<T>* to) {
    Separation separation(from, microphones, frames, bins, options.sources);
    for (int64_t i = 0; i < options.iterations; ++i) separation.iterate();
    separation.project_back(to);
  };
  if (spectra.dtype() == DType::complex64)
    run(spectra.data<std::complex<float>>(), result.mutable_data<std::complex<float>>());
  else run(spectra.data<Complex>(), result.mutable_data<Complex>());
  return result;
}

}  // namespace sunder
