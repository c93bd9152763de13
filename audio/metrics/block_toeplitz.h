// Symmetric positive definite systems whose P x P blocks depend on the distance from the diagonal alone: the normal
// equations of a least-squares filter from P signals to one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sunder {

// Solves sum over q, j of M[(p, i), (q, j)] x[q, j] = y[p, i] for K right-hand sides y, with N rows of blocks: the
// element is blocks[p][q][i - j] for i >= j and blocks[q][p][j - i] above the diagonal; `loading` is added on it.
// blocks: (P, P, N), right_sides: (K, P, N); returns (K, P, N), or nothing if a pivot is below `smallest_pivot`
// times the largest element of the diagonal: not positive definite within rounding.
// P^3 N^2 (1.5 + K / P) multiplications and additions, about 24 P^2 N bytes, one thread.
// Block Levinson recursion (Whittle, "On the fitting of multivariate autoregressions, and the approximate canonical
// factorization of a spectral density matrix", Biometrika 50, 1963).
std::optional<std::vector<double>> solve_block_toeplitz(std::span<const double> blocks, int64_t signals, int64_t taps,
                                                        std::span<const double> right_sides, double loading = 0);

inline constexpr double smallest_pivot = 1e-15;

}  // namespace sunder
