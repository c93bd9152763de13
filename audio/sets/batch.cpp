#include "audio/sets/batch.h"

#include <algorithm>
#include <span>

#include "tensor/random.h"

namespace sunder {
namespace {

void copy_segment(const std::vector<float>& signal, int64_t start, int64_t length, float* to) {
  const int64_t count = std::clamp<int64_t>(static_cast<int64_t>(signal.size()) - start, 0, length);
  std::copy_n(signal.begin() + start, count, to);
  std::fill(to + count, to + length, 0.0f);
}

}  // namespace

int64_t segment_start(int64_t item_length, int64_t segment_length, int sample_rate, const std::string& crop,
                      uint64_t seed, int64_t epoch, int64_t item) {
  const int64_t unit = crop == "any" ? 1 : sample_rate;
  const int64_t room = item_length / unit - (segment_length + unit - 1) / unit;
  if (room <= 0) return 0;
  Random random(seed, RandomUse::segment, static_cast<uint32_t>(epoch), item);
  return static_cast<int64_t>(random.below(room + 1)) * unit;
}

Batch make_batch(const std::vector<Segment>& segments, int64_t length, bool with_references, DType dtype) {
  using Signals = std::vector<std::vector<float>>;
  const auto count = static_cast<int64_t>(segments.size());
  // (B, rows, length) of what `signals` takes from an item.
  const auto stack = [&](const auto& signals) {
    const auto rows = static_cast<int64_t>(signals(segments[0].item).size());
    const Tensor result = Tensor::empty({count, rows, length}, DType::float32);
    float* to = result.mutable_data<float>();
    for (const Segment& segment : segments)
      for (const std::vector<float>& signal : signals(segment.item)) {
        copy_segment(signal, segment.start, length, to);
        to += length;
      }
    return result.cast(dtype);
  };
  const Mixture& first = segments[0].item;
  Batch batch;
  if (first.microphones.empty())
    batch.mixtures = stack([](const Mixture& item) { return std::span(&item.mixture, 1); }).reshape({count, length});
  else batch.mixtures = stack([](const Mixture& item) -> const Signals& { return item.microphones; });
  if (with_references) batch.references = stack([](const Mixture& item) -> const Signals& { return item.sources; });
  if (!first.close_talk.empty())
    batch.close_talk = stack([](const Mixture& item) -> const Signals& { return item.close_talk; });
  return batch;
}

}  // namespace sunder
