// Assigns outputs to sources.
#pragma once

#include <cstdint>
#include <vector>

namespace sunder {

// scores: S x K, [source][output], larger is better, K >= S. Returns for each source its own output so that the sum of
// scores is largest; the first in lexicographic order among equals. Infinite scores count as +-1e6, NaN as the worst.
// Tries all K (K - 1) ... (K - S + 1) ways: for a handful of outputs. Throws Error for K < S.
std::vector<int64_t> best_assignment(const std::vector<double>& scores, int64_t sources, int64_t outputs);

}  // namespace sunder
