#include "audio/sets/recording_splits.h"

#include <algorithm>

#include "files/digest.h"

namespace sunder {

std::vector<Split> splits_by_name(const std::vector<std::string>& names, bool test) {
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < names.size(); ++i) order.emplace_back(hash_percentage(names[i]), i);
  std::sort(order.begin(), order.end());
  std::vector<Split> splits(names.size(), Split::train);
  for (const auto& [percentage, i] : order)
    if (percentage < 20) splits[i] = percentage < 10 ? Split::valid : test ? Split::test : Split::train;
  const auto is_empty = [&](Split split) { return std::find(splits.begin(), splits.end(), split) == splits.end(); };
  if (is_empty(Split::valid)) splits[order[0].second] = Split::valid;
  if (test && is_empty(Split::test)) {
    const auto free =
        std::find_if(order.begin(), order.end(), [&](const auto& each) { return splits[each.second] != Split::valid; });
    splits[free != order.end() ? free->second : order[order.size() - 2].second] = Split::test;
  }
  if (is_empty(Split::train)) splits[order.back().second] = Split::train;
  return splits;
}

Stretch stretch_of(Split split, int64_t frames, bool test) {
  const int64_t tenth = frames / 10, trained = frames - (test ? 2 : 1) * tenth;
  if (split == Split::train) return {0, trained};
  if (split == Split::valid) return {trained, tenth};
  return {trained + tenth, test ? tenth : 0};
}

std::vector<Stretch> equal_pieces(const Stretch& whole, int64_t longest) {
  std::vector<Stretch> pieces;
  if (whole.frames < 1) return pieces;
  const int64_t count = (whole.frames + longest - 1) / longest, frames = whole.frames / count;
  for (int64_t i = 0; i < count; ++i) pieces.push_back({whole.begin + i * frames, frames});
  return pieces;
}

}  // namespace sunder
