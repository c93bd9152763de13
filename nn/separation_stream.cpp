#include "nn/separation_stream.h"

#include <algorithm>
#include <utility>

#include "nn/output_matching.h"
#include "nn/separation.h"
#include "tensor/error.h"

namespace sunder {
namespace {

double inner_product(const float* a, const float* b, int64_t length) {
  double sum = 0;
  for (int64_t t = 0; t < length; ++t) sum += static_cast<double>(a[t]) * b[t];
  return sum;
}

// ends: for each source where the overlap begins; outputs: the chunk's, from there on.
OutputMatch match(const std::vector<const float*>& ends, const std::vector<const float*>& outputs, int64_t overlap) {
  std::vector<double> products;
  double energy = 0;
  for (const float* end : ends)
    for (const float* output : outputs) products.push_back(inner_product(end, output, overlap));
  for (const std::vector<const float*>* signals : {&ends, &outputs})
    for (const float* signal : *signals) energy += inner_product(signal, signal, overlap);
  return match_outputs(std::move(products), static_cast<int64_t>(ends.size()), energy);
}

}  // namespace

void check_chunks(const char* op, const Chunks& chunks) {
  if (chunks.overlap < 0 || chunks.overlap >= chunks.length)
    throw_error("[{}] expected an overlap of 0 to {} samples, got {}", op, chunks.length - 1, chunks.overlap);
}

SeparationStream::SeparationStream(const Separator& network, const Chunks& chunks,
                                   std::function<void(const Seam&)> on_seam)
    : network_(network),
      chunks_(chunks),
      on_seam_(std::move(on_seam)),
      input_(network.microphones()),
      output_(network.sources()) {
  check_chunks("separation_stream", chunks);
}

void SeparationStream::push(std::span<const float* const> microphones, int64_t samples) {
  if (finished_) throw_error("[separation_stream] expected no samples after the end");
  if (microphones.size() != input_.size())
    throw_error("[separation_stream] expected {} microphones, got {}", input_.size(), microphones.size());
  // In pieces: the memory does not depend on how much is pushed at a time.
  for (int64_t taken = 0; taken < samples;) {
    const int64_t held = input_begin_ + input_[0].size();
    const int64_t piece = std::min(samples - taken, next_ + chunks_.length - held);
    for (size_t m = 0; m < input_.size(); ++m) input_[m].append({microphones[m] + taken, static_cast<size_t>(piece)});
    taken += piece;
    if (held + piece < next_ + chunks_.length) return;
    separate_chunk(next_, chunks_.length);
    // The last chunk may begin anywhere behind this one's beginning.
    for (SampleQueue& signal : input_) signal.drop(next_ - input_begin_);
    input_begin_ = next_;
    next_ += chunks_.length - chunks_.overlap;
  }
}

void SeparationStream::finish() {
  if (finished_) return;
  finished_ = true;
  const int64_t samples = input_begin_ + input_[0].size();
  const int64_t separated = pulled_ + output_[0].size();
  if (samples > separated) {
    const int64_t start = std::max<int64_t>(samples - chunks_.length, 0);
    separate_chunk(start, samples - start);
  }
  input_.clear();
}

void SeparationStream::separate_chunk(int64_t start, int64_t length) {
  const auto microphones = static_cast<int64_t>(input_.size());
  const Tensor part = Tensor::empty({1, microphones, length}, DType::float32);
  for (int64_t m = 0; m < microphones; ++m)
    std::copy_n(input_[m].data() + (start - input_begin_), length, part.mutable_data<float>() + m * length);
  const Tensor estimates =
      separate_batch(network_, microphones == 1 ? part.reshape({1, length}) : part).cast(DType::float32);
  append(estimates.data<float>(), start, length);
}

// estimates: (S, length), from sample `start` on.
void SeparationStream::append(const float* estimates, int64_t start, int64_t length) {
  const int64_t sources = network_.sources(), end = pulled_ + output_[0].size();
  // The last chunk reaches further back; what was pulled cannot change any more.
  const int64_t overlap = end == 0 ? 0 : chunks_.overlap, begin = end - overlap;
  std::vector<const float*> ends, outputs;
  for (int64_t s = 0; s < sources; ++s) {
    ends.push_back(output_[s].data() + (begin - pulled_));
    outputs.push_back(estimates + s * length + (begin - start));
  }
  const OutputMatch matched = match(ends, outputs, overlap);
  for (int64_t s = 0; s < sources; ++s) {
    const float* continued = outputs[matched.outputs[s]];
    for (int64_t t = 0; t < overlap; ++t) {
      const double share = fade_in(t, overlap);
      float& sample = output_[s].data()[begin - pulled_ + t];
      sample = static_cast<float>((1 - share) * sample + share * continued[t]);
    }
    output_[s].append({continued + overlap, estimates + (matched.outputs[s] + 1) * length});
  }
  if (end > 0 && on_seam_) on_seam_({begin, matched.confidence});
}

int64_t SeparationStream::available() const {
  const auto held = output_[0].size();
  return finished_ ? held : std::max<int64_t>(held - chunks_.overlap, 0);
}

int64_t SeparationStream::pull(std::span<float* const> sources, int64_t samples) {
  if (sources.size() != output_.size())
    throw_error("[separation_stream] expected {} sources, got {}", output_.size(), sources.size());
  const int64_t count = std::min(samples, available());
  for (size_t s = 0; s < sources.size(); ++s) output_[s].take(sources[s], count);
  pulled_ += count;
  return count;
}

}  // namespace sunder
