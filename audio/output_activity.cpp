#include "audio/output_activity.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "tensor/error.h"

namespace sunder {
namespace {

constexpr double frame_seconds = 0.032;

struct Group {
  std::vector<int64_t> outputs;
  std::vector<float> power;  // by frame; that of a sum of signals that have nothing in common

  void add(const Group& other) {
    outputs.insert(outputs.end(), other.outputs.begin(), other.outputs.end());
    std::transform(power.begin(), power.end(), other.power.begin(), power.begin(), std::plus<>());
  }
};

// Pearson's, of levels; 0 where one does not change.
double correlation(const std::vector<float>& a, const std::vector<float>& b) {
  double sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
  const auto count = static_cast<double>(a.size());
  for (size_t t = 0; t < a.size(); ++t) {
    const double x = std::sqrt(a[t]), y = std::sqrt(b[t]);
    sum_a += x, sum_b += y, aa += x * x, bb += y * y, ab += x * y;
  }
  const double spread = (aa - sum_a * sum_a / count) * (bb - sum_b * sum_b / count);
  return spread > 0 ? (ab - sum_a * sum_b / count) / std::sqrt(spread) : 0;
}

size_t most_alike(const std::vector<Group>& groups, const Group& output) {
  size_t best = 0;
  double highest = -2;
  for (size_t g = 0; g < groups.size(); ++g)
    if (const double value = correlation(groups[g].power, output.power); value > highest) highest = value, best = g;
  return best;
}

void join_most_alike(std::vector<Group>& groups) {
  size_t first = 0, second = 1;
  double highest = -2;
  for (size_t a = 0; a < groups.size(); ++a)
    for (size_t b = a + 1; b < groups.size(); ++b)
      if (const double value = correlation(groups[a].power, groups[b].power); value > highest)
        highest = value, first = a, second = b;
  groups[first].add(groups[second]);
  groups.erase(groups.begin() + static_cast<int64_t>(second));
}

}  // namespace

std::optional<int64_t> voice_count(std::string_view text) {
  int64_t count = 0;
  const char *begin = text.data(), *end = begin + text.size();
  const auto [read, failure] = std::from_chars(begin, end, count);
  return failure == std::errc() && read == end && count >= 1 ? std::optional(count) : std::nullopt;
}

OutputActivity::OutputActivity(int64_t outputs, int sample_rate)
    : frame_length_(std::max<int64_t>(1, std::llround(frame_seconds * sample_rate))),
      energy_(outputs, 0.0),
      power_(outputs) {}

void OutputActivity::push(const std::vector<std::vector<float>>& outputs) {
  if (outputs.size() != power_.size())
    throw_error("[output_activity] expected {} outputs, got {}", power_.size(), outputs.size());
  for (size_t s = 0; s < outputs.size(); ++s) {
    int64_t in_frame = in_frame_;
    for (const float sample : outputs[s]) {
      if (in_frame == 0) power_[s].push_back(0);
      const double square = static_cast<double>(sample) * sample;
      power_[s].back() += static_cast<float>(square);
      energy_[s] += square;
      in_frame = (in_frame + 1) % frame_length_;
    }
  }
  in_frame_ = (in_frame_ + static_cast<int64_t>(outputs[0].size())) % frame_length_;
}

int64_t OutputActivity::active() const {
  const double strongest = *std::ranges::max_element(energy_);
  if (!(strongest > 0)) return 0;
  const double least = strongest * std::pow(10, -inactive_below_db / 10);
  return std::ranges::count_if(energy_, [&](double energy) { return energy >= least; });
}

std::vector<std::vector<int64_t>> OutputActivity::groups(std::optional<int64_t> voices) const {
  const auto outputs = static_cast<int64_t>(energy_.size());
  if (voices && (*voices < 1 || *voices > outputs))
    throw_error("[output_activity] expected 1 to {} voices, got {}", outputs, *voices);
  std::vector<int64_t> by_strength(outputs);
  std::iota(by_strength.begin(), by_strength.end(), 0);
  std::ranges::stable_sort(by_strength, std::greater<>(), [&](int64_t s) { return energy_[s]; });
  const int64_t begun = std::max({int64_t{1}, active(), voices.value_or(0)});
  std::sort(by_strength.begin(), by_strength.begin() + begun);

  std::vector<Group> groups;
  for (int64_t i = 0; i < begun; ++i) groups.push_back({{by_strength[i]}, power_[by_strength[i]]});
  const std::vector<Group> alone = groups;  // weak outputs do not change what the next ones are compared with
  for (int64_t i = begun; i < outputs; ++i) {
    const Group weak{{by_strength[i]}, power_[by_strength[i]]};
    groups[most_alike(alone, weak)].add(weak);
  }
  while (voices && static_cast<int64_t>(groups.size()) > *voices) join_most_alike(groups);

  std::vector<std::vector<int64_t>> result;
  for (Group& group : groups) {
    std::ranges::sort(group.outputs);
    result.push_back(std::move(group.outputs));
  }
  std::ranges::sort(result);
  return result;
}

}  // namespace sunder
