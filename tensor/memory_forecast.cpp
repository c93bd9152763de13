#include "tensor/memory_forecast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "tensor/parallel.h"

namespace sunder {
namespace {

// Networks pad frames to even numbers or whole strides: lengths that differ from the full one by multiples of this are
// padded alike.
constexpr int64_t granule = 1024;  // samples

using Events = std::vector<MemoryTrace::Event>;

// The events from a block's allocation to its release, if exactly the blocks allocated in between are released in
// between. Empty otherwise, and for more than `longest` events. Blocks are numbered from 0.
Events scratch_group(const Events& events, size_t first, size_t longest) {
  Events group;
  std::map<size_t, size_t> numbers;
  for (size_t i = first; i < std::min(events.size(), first + longest); ++i) {
    const MemoryTrace::Event& event = events[i];
    if (event.freed && !numbers.contains(event.block)) return {};
    const size_t number = numbers.emplace(event.block, numbers.size()).first->second;
    group.push_back({number, event.bytes, event.freed});
    if (!event.freed || number > 0) continue;
    return group.size() == 2 * numbers.size() ? group : Events{};
  }
  return {};
}

bool is_alike(const Events& a, const Events& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.block == y.block && x.freed == y.freed; });
}

// Work in chunks allocates and releases scratch blocks for each chunk, so their number depends on the length. Such a
// run counts once, with its largest blocks. Blocks are renumbered.
Events without_runs(const Events& events, size_t longest) {
  Events result, run;  // run: the group that `result` ends with
  std::map<size_t, size_t> numbers;
  size_t blocks = 0;
  for (size_t i = 0; i < events.size();) {
    const Events group = scratch_group(events, i, longest);
    if (!group.empty() && is_alike(group, run)) {
      for (size_t e = 0; e < group.size(); ++e) {
        size_t& bytes = result[result.size() - group.size() + e].bytes;
        bytes = std::max(bytes, group[e].bytes);
      }
      i += group.size();
      continue;
    }
    run = group;
    for (size_t e = 0; e < std::max<size_t>(group.size(), 1); ++e, ++i) {
      if (!events[i].freed) numbers[events[i].block] = blocks++;
      result.push_back({numbers.at(events[i].block), events[i].bytes, events[i].freed});
    }
  }
  return result;
}

Events trace(Stream stream, const std::function<void()>& work) {
  const ThreadLimit all_of_it(
      1);  // a trace has one thread's blocks, and which thread takes a piece of a loop is chance
  const MemoryTrace trace(stream);
  work();
  Events events = trace.events();
  for (const size_t longest : {2, 4, 8, 16}) events = without_runs(events, longest);  // the innermost first
  return events;
}

// The events at length x: each block's size on the parabola through its three sizes.
Events extrapolate(const std::array<Events, 3>& traces, const std::array<double, 3>& lengths, double x) {
  std::array<double, 3> weights;
  for (int i = 0; i < 3; ++i) {
    weights[i] = 1;
    for (int j = 0; j < 3; ++j)
      if (j != i) weights[i] *= (x - lengths[j]) / (lengths[i] - lengths[j]);
  }
  Events result = traces[2];
  for (size_t e = 0; e < result.size(); ++e) {
    double bytes = 0;
    for (int i = 0; i < 3; ++i) bytes += weights[i] * static_cast<double>(traces[i][e].bytes);
    result[e].bytes = static_cast<size_t>(std::max(0.0, std::round(bytes)));
  }
  return result;
}

}  // namespace

std::optional<size_t> forecast_memory(int64_t length, int64_t shortest, Stream stream,
                                      const std::function<std::function<void()>(int64_t)>& prepare) {
  std::array<Events, 3> traces;
  std::array<double, 3> lengths{};
  for (int i = 0; i < 3; ++i) {
    const int64_t part = length - (length - (i + 1) * length / 6 + granule - 1) / granule * granule;
    if (part < std::max<int64_t>(shortest, 1)) return std::nullopt;
    lengths[i] = static_cast<double>(part);
    traces[i] = trace(stream, prepare(part));
  }
  if (!is_alike(traces[0], traces[1]) || !is_alike(traces[1], traces[2])) return std::nullopt;
  return pool_bytes(extrapolate(traces, lengths, static_cast<double>(length)));
}

}  // namespace sunder
