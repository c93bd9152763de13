#include "command/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace sunder {

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string suggest(const std::string& word, const std::vector<std::string>& candidates) {
  for (const std::string& candidate : candidates)
    if (candidate.ends_with("." + word)) return fmt::format(", did you mean '{}'?", candidate);
  const auto nearer = [&](const std::string& a, const std::string& b) {
    return edit_distance(word, a) < edit_distance(word, b);
  };
  const auto best = std::min_element(candidates.begin(), candidates.end(), nearer);
  if (best == candidates.end() || edit_distance(word, *best) > std::max<size_t>(3, word.size() / 2)) return "";
  return fmt::format(", did you mean '{}'?", *best);
}

std::string nearly(const std::string& word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t least = 3;
  for (const std::string& candidate : candidates) {
    if (std::min(word.size(), candidate.size()) < 5) continue;
    const size_t distance = edit_distance(word, candidate);
    if (distance >= least) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

}  // namespace sunder
