// One frequency bin of a recording that AuxIVA separates.
#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "tensor/dtype.h"

namespace sunder {

// A dense row-major matrix.
struct ComplexMatrix {
  ComplexMatrix(int64_t rows, int64_t width) : columns(width), values(rows * width) {}
  complex128& operator()(int64_t row, int64_t column) { return values[row * columns + column]; }
  const complex128& operator()(int64_t row, int64_t column) const { return values[row * columns + column]; }

  int64_t columns;
  std::vector<complex128> values;
};

// Signals lie in rows of real parts, each followed by its row of imaginary parts, with zeros behind the frames up to
// `width`: (2, width).
class AuxIvaBin {
 public:
  // A silent recording of `frames` frames, for set(); begin() then makes the first filters, the identity.
  AuxIvaBin(int64_t microphones, int64_t frames, int64_t sources);
  void set(int64_t microphone, int64_t frame, complex128 value);
  void begin();

  // Filtered signal `s`.
  void demix(int64_t s, double* to) const;
  // to[t] += |signal s|^2; scratch: (2, width).
  void add_energies(int64_t s, double* scratch, double* to) const;
  // Iterative projection: with V the covariance weighted by `weights` (width), w = (W V)^-1 e_s, scaled to w^H V w = 1.
  // scratch: (2, width).
  void update(int64_t s, const double* weights, double* scratch);

  int64_t width() const { return width_; }
  const double* first_microphone() const { return signals_.data(); }

 private:
  ComplexMatrix covariance(const double* weights, double* scratch) const;
  void separate_background();

  int64_t sources_, frames_, width_;
  std::vector<double> signals_;  // (M, 2, width)
  ComplexMatrix filters_;        // (M, M), those of the sources first
  ComplexMatrix mean_;           // covariance of the microphones
};

}  // namespace sunder
