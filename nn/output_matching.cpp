#include "nn/output_matching.h"

#include <algorithm>
#include <cmath>

#include "audio/metrics/assignment.h"

namespace sunder {
namespace {

double value_of(const std::vector<double>& products, const std::vector<int64_t>& outputs) {
  double sum = 0;
  for (size_t s = 0; s < outputs.size(); ++s) sum += products[s * outputs.size() + outputs[s]];
  return sum;
}

// The next best assignment lacks at least one pair of the best: the best of those without one of them each.
double next_best(const std::vector<double>& products, const std::vector<int64_t>& best) {
  const auto sources = static_cast<int64_t>(best.size());
  double value = -INFINITY;
  for (int64_t s = 0; s < sources; ++s) {
    std::vector<double> without = products;
    // Products are at most 1 in absolute value: no assignment that has another choice takes this pair.
    without[s * sources + best[s]] = -4 * static_cast<double>(sources);
    value = std::max(value, value_of(without, best_assignment(without, sources, sources)));
  }
  return value;
}

}  // namespace

OutputMatch match_outputs(std::vector<double> products, int64_t sources, double energy) {
  double largest = 0;
  for (const double product : products) largest = std::max(largest, std::abs(product));
  if (!(largest > 0)) largest = 1;
  for (double& product : products) product /= largest;  // independent of the recording's level
  OutputMatch result{best_assignment(products, sources, sources), 0};
  if (sources > 1 && energy > 0)
    result.confidence =
        2 * largest * (value_of(products, result.outputs) - next_best(products, result.outputs)) / energy;
  return result;
}

}  // namespace sunder
