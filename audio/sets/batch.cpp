#include "audio/sets/batch.h"

#include <algorithm>
#include <limits>
#include <span>

#include "tensor/error.h"
#include "tensor/random.h"

namespace sunder {
namespace {

// (B, rows, length): each segment of a signal that the items hold, (rows, L).
Tensor stack(const std::vector<Segment>& segments, Tensor Mixture::*signals, int64_t length) {
  const int64_t rows = (segments[0].item.*signals).size(0);
  const Tensor result = Tensor::empty({static_cast<int64_t>(segments.size()), rows, length}, DType::float32);
  float* to = result.mutable_data<float>();
  for (const Segment& segment : segments) {
    const Tensor& from = segment.item.*signals;
    SUNDER_ASSERT(from.size(0) == rows);
    const int64_t count = std::clamp<int64_t>(from.size(1) - segment.start, 0, length);
    for (int64_t row = 0; row < rows; ++row, to += length) {
      std::copy_n(from.data<float>() + row * from.size(1) + segment.start, count, to);
      std::fill(to + count, to + length, 0.0f);
    }
  }
  return result;
}

}  // namespace

int64_t segment_start(int64_t item_length, int64_t segment_length, int sample_rate, const Crop& crop, uint64_t seed,
                      int64_t epoch, int64_t item) {
  const int64_t unit = crop.rule == "whole-second" ? sample_rate : 1;
  const int64_t last = item_length / unit - (segment_length + unit - 1) / unit;
  if (last <= 0) return 0;
  Random random(seed, RandomUse::segment, static_cast<uint32_t>(epoch), item);
  return static_cast<int64_t>(random.below(last + 1)) * unit;
}

const Tensor& judged_signals(const Mixture& item, bool with_references) {
  if (with_references) return item.sources;
  return item.close_talk.defined() ? item.close_talk : item.virtual_microphones;
}

Segment cut_segment(Mixture item, const Tensor& judged, int64_t length, const Crop& crop, uint64_t seed, int64_t epoch,
                    int64_t index) {
  if (crop.rule != "active" || !judged.defined()) {
    const int64_t start = segment_start(item.length(), length, item.sample_rate, crop, seed, epoch, index);
    return {std::move(item), start};
  }
  const int64_t rows = judged.size(0), samples = judged.size(1), count = std::min(length, samples);
  const auto power = [&](int64_t row, int64_t begin, int64_t n) {
    double energy = 0;
    for (const float x : std::span(judged.data<float>() + row * samples + begin, n))
      energy += static_cast<double>(x) * x;
    return energy / static_cast<double>(n);
  };
  std::vector<double> means(rows);
  for (int64_t row = 0; row < rows; ++row) means[row] = power(row, 0, samples);
  Random random(seed, RandomUse::segment, static_cast<uint32_t>(epoch), index);
  int64_t best = 0;
  double highest = -1;
  for (int trial = 0; trial < active_trials && highest < crop.active; ++trial) {
    const auto start = samples > count ? static_cast<int64_t>(random.below(samples - count + 1)) : 0;
    double weakest = std::numeric_limits<double>::infinity();
    for (int64_t row = 0; row < rows; ++row)
      if (means[row] > 0) weakest = std::min(weakest, power(row, start, count) / means[row]);
    if (weakest > highest) {
      highest = weakest;
      best = start;
    }
  }
  return {std::move(item), best, highest >= crop.active};
}

Batch make_batch(const std::vector<Segment>& segments, int64_t length, bool with_references, DType dtype) {
  const Mixture& first = segments[0].item;
  Batch batch;
  batch.mixtures = stack(segments, &Mixture::mixture, length).cast(dtype);
  if (batch.mixtures.size(1) == 1) batch.mixtures = batch.mixtures.reshape({batch.mixtures.size(0), length});
  if (with_references) batch.references = stack(segments, &Mixture::sources, length).cast(dtype);
  if (first.close_talk.defined()) batch.close_talk = stack(segments, &Mixture::close_talk, length).cast(dtype);
  if (first.virtual_microphones.defined())
    batch.virtual_microphones = stack(segments, &Mixture::virtual_microphones, length).cast(dtype);
  batch.has_noise = first.has_noise;
  return batch;
}

}  // namespace sunder
