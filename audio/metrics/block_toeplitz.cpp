#include "audio/metrics/block_toeplitz.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

SUNDER_SIMD double dot(const double* a, const double* b, int64_t count) {
  double sum = 0;
#pragma omp simd reduction(+ : sum) simdlen(16)
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

SUNDER_SIMD void add_scaled(double* to, const double* from, double factor, int64_t count) {
#pragma omp simd simdlen(8)
  for (int64_t i = 0; i < count; ++i) to[i] += factor * from[i];
}

// A P x P matrix, row major, for blocks of a few signals.
class Block {
 public:
  explicit Block(int64_t size) : size_(size), values_(size * size, 0.0) {}

  double& operator()(int64_t row, int64_t column) { return values_[row * size_ + column]; }
  double operator()(int64_t row, int64_t column) const { return values_[row * size_ + column]; }

  void set_transposed(const Block& other) {
    for (int64_t p = 0; p < size_; ++p)
      for (int64_t q = 0; q < size_; ++q) (*this)(q, p) = other(p, q);
  }
  void subtract_product(const Block& a, const Block& b) {
    for (int64_t p = 0; p < size_; ++p)
      for (int64_t q = 0; q < size_; ++q)
        for (int64_t r = 0; r < size_; ++r) (*this)(p, q) -= a(p, r) * b(r, q);
  }

  // The lower triangle of the Cholesky factor; false for a pivot that is not above `least`.
  bool factor(Block& lower, double least) const {
    for (int64_t p = 0; p < size_; ++p) {
      for (int64_t q = 0; q <= p; ++q) {
        double rest = (*this)(p, q);
        for (int64_t r = 0; r < q; ++r) rest -= lower(p, r) * lower(q, r);
        if (p == q && !(rest > least)) return false;
        lower(p, q) = p == q ? std::sqrt(rest) : rest / lower(q, q);
      }
    }
    return true;
  }
  // For a factor L: x becomes (L L^T)^-1 x, `stride` elements apart.
  void solve(double* x, int64_t stride) const {
    for (int64_t p = 0; p < size_; ++p) {
      for (int64_t r = 0; r < p; ++r) x[p * stride] -= (*this)(p, r) * x[r * stride];
      x[p * stride] /= (*this)(p, p);
    }
    for (int64_t p = size_ - 1; p >= 0; --p) {
      for (int64_t r = p + 1; r < size_; ++r) x[p * stride] -= (*this)(r, p) * x[r * stride];
      x[p * stride] /= (*this)(p, p);
    }
  }
  void solve(const Block& right, Block& result) const {
    result.values_ = right.values_;
    for (int64_t q = 0; q < size_; ++q) solve(&result(0, q), size_);
  }

 private:
  int64_t size_;
  std::vector<double> values_;
};

// The predictors of order m: sum over j of M(i - j) A(j) is the forward error for i = 0 and zero for i = 1..m, with
// A(0) = I; sum over j of M(i - j) B(j) is zero for i < m and the backward error for i = m, with B(m) = I.
class Recursion {
 public:
  Recursion(std::span<const double> blocks, int64_t signals, int64_t taps, double loading) : P_(signals), N_(taps) {
    double largest = 0;
    for (int64_t p = 0; p < P_; ++p) {
      for (int64_t q = 0; q < P_; ++q) {
        const double* from = blocks.data() + (p * P_ + q) * N_;
        std::reverse_copy(from, from + N_, reversed_.data() + (p * P_ + q) * N_);
        forward_error_(p, q) = from[0] + (p == q ? loading : 0);
      }
      largest = std::max(largest, forward_error_(p, p));
      forward_[(p * P_ + p) * N_] = 1;
      backward_[(p * P_ + p) * N_ + N_ - 1] = 1;
    }
    backward_error_ = forward_error_;
    least_ = smallest_pivot * largest;
  }

  // The factor of the backward error; false where there is none.
  bool factor() { return backward_error_.factor(factor_, least_); }

  // x: the solution of order m - 1, becomes the one of order m; y: all rows of the right-hand side.
  void extend(const double* y, double* x) {
    for (int64_t p = 0; p < P_; ++p) {
      missing_[p] = y[p * N_ + order_];
      for (int64_t r = 0; r < P_; ++r) missing_[p] -= dot(before(p, r), x + r * N_, order_);
    }
    factor_.solve(missing_.data(), 1);
    for (int64_t r = 0; r < P_; ++r)
      for (int64_t s = 0; s < P_; ++s) add_scaled(x + r * N_, backward(r, s), missing_[s], order_ + 1);
  }

  // From order m to m + 1; factor() was called. False where the forward error has no factor.
  bool step() {
    if (!forward_error_.factor(forward_factor_, least_)) return false;
    ++order_;
    for (int64_t p = 0; p < P_; ++p)
      for (int64_t q = 0; q < P_; ++q) {
        delta_(p, q) = 0;
        for (int64_t r = 0; r < P_; ++r) delta_(p, q) += dot(before(p, r), forward_.data() + (r * P_ + q) * N_, order_);
      }
    across_.set_transposed(delta_);
    factor_.solve(delta_, of_backward_);
    forward_factor_.solve(across_, of_forward_);
    const int64_t length = order_ + 1;
    for (int64_t r = 0; r < P_; ++r) {
      double* a = forward_.data() + r * P_ * N_;
      for (int64_t q = 0; q < P_; ++q) std::copy_n(a + q * N_, length, row_.data() + q * N_);
      for (int64_t q = 0; q < P_; ++q)
        for (int64_t s = 0; s < P_; ++s) add_scaled(a + q * N_, backward(r, s), -of_backward_(s, q), length);
      for (int64_t q = 0; q < P_; ++q)
        for (int64_t s = 0; s < P_; ++s) add_scaled(backward(r, q), row_.data() + s * N_, -of_forward_(s, q), length);
    }
    forward_error_.subtract_product(across_, of_backward_);
    backward_error_.subtract_product(delta_, of_forward_);
    return true;
  }

 private:
  // Blocks M(m), ..., M(1), the factors of the elements 0, ..., m - 1 in row m.
  const double* before(int64_t p, int64_t r) const { return reversed_.data() + (p * P_ + r) * N_ + N_ - 1 - order_; }
  // B is stored at the end of its memory: when the order grows by one it moves down by one row, after a zero.
  double* backward(int64_t r, int64_t s) { return backward_.data() + (r * P_ + s) * N_ + N_ - 1 - order_; }

  int64_t P_, N_, order_ = 0;
  std::vector<double> reversed_ = std::vector<double>(P_ * P_ * N_);  // of `blocks`, along their lags
  std::vector<double> forward_ = reversed_, backward_ = reversed_;    // A and B: (P, P, N)
  std::vector<double> row_ = std::vector<double>(P_ * N_), missing_ = std::vector<double>(P_);
  Block forward_error_{P_}, backward_error_{P_}, forward_factor_{P_}, factor_{P_};
  Block delta_{P_}, across_{P_};            // residual of A at row m + 1; its transpose, that of B at row 0
  Block of_backward_{P_}, of_forward_{P_};  // what cancels both
  double least_ = 0;
};

}  // namespace

std::optional<std::vector<double>> solve_block_toeplitz(std::span<const double> blocks, int64_t signals, int64_t taps,
                                                        std::span<const double> right_sides, double loading) {
  const int64_t rows = signals * taps;
  SUNDER_ASSERT(signals >= 1 && taps >= 1 && static_cast<int64_t>(blocks.size()) == signals * rows &&
                static_cast<int64_t>(right_sides.size()) % rows == 0);
  std::vector<double> solutions(right_sides.size(), 0.0);
  Recursion recursion(blocks, signals, taps, loading);
  for (int64_t order = 0; order < taps; ++order) {
    if ((order > 0 && !recursion.step()) || !recursion.factor()) return std::nullopt;
    for (int64_t k = 0; k * rows < static_cast<int64_t>(solutions.size()); ++k)
      recursion.extend(right_sides.data() + k * rows, solutions.data() + k * rows);
  }
  return solutions;
}

}  // namespace sunder
