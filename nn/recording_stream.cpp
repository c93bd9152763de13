#include "nn/recording_stream.h"

#include <algorithm>
#include <utility>

#include "tensor/error.h"

namespace sunder {
namespace {

// Samples that are converted at a time, so that memory does not depend on how much is pushed.
constexpr int64_t block = 8192;

}  // namespace

RecordingStream::RecordingStream(const Separator& network, int network_rate, int rate, const Chunks& chunks,
                                 std::function<void(const Seam&)> on_seam)
    : network_rate_(network_rate),
      rate_(rate),
      chunk_length_(chunks.length),
      stream_(network, chunks,
              on_seam ? [network_rate, rate, on_seam = std::move(on_seam)](Seam seam) {
                seam.sample = seam.sample * rate / network_rate;
                on_seam(seam);
              } : std::function<void(const Seam&)>()),
      input_(network.microphones()),
      estimates_(network.sources()),
      output_(network.sources()) {
  if (network_rate == rate) return;
  for (int64_t m = 0; m < network.microphones(); ++m) to_network_.emplace_back(rate, network_rate);
  for (int64_t s = 0; s < network.sources(); ++s) from_network_.emplace_back(network_rate, rate);
}

void RecordingStream::push(std::span<const float* const> microphones, int64_t samples) {
  if (finished_) throw_error("[recording_stream] expected no samples after the end");
  if (microphones.size() != input_.size())
    throw_error("[recording_stream] expected {} microphones, got {}", input_.size(), microphones.size());
  for (int64_t taken = 0; taken < samples; taken += block) {
    const auto count = static_cast<size_t>(std::min(block, samples - taken));
    for (size_t m = 0; m < input_.size(); ++m) {
      const std::span signal(microphones[m] + taken, count);
      if (to_network_.empty()) input_[m].assign(signal.begin(), signal.end());
      else to_network_[m].push(signal, input_[m]);
    }
    pushed_ += static_cast<int64_t>(count);
    separate(/*last=*/false);
  }
}

void RecordingStream::finish() {
  if (std::exchange(finished_, true)) return;
  for (size_t m = 0; m < to_network_.size(); ++m) to_network_[m].finish(input_[m]);
  separate(/*last=*/true);
}

void RecordingStream::separate(bool last) {
  std::vector<const float*> from;
  for (const std::vector<float>& signal : input_) from.push_back(signal.data());
  stream_.push(from, static_cast<int64_t>(input_[0].size()));
  if (last) stream_.finish();

  const int64_t count = stream_.available();
  std::vector<float*> to;
  for (std::vector<float>& estimate : estimates_) {
    estimate.resize(count);
    to.push_back(estimate.data());
  }
  stream_.pull(to, count);
  if (watch_) watch_(input_[0], estimates_);
  for (std::vector<float>& signal : input_) signal.clear();
  for (size_t s = 0; s < output_.size(); ++s) {
    if (from_network_.empty()) {
      output_[s].append(estimates_[s]);
      continue;
    }
    std::vector<float> converted;
    from_network_[s].push(estimates_[s], converted);
    if (last) from_network_[s].finish(converted);
    // Both conversions round lengths up.
    const int64_t missing = pushed_ - pulled_ - output_[s].size();
    output_[s].append(std::span(converted).first(std::min<size_t>(converted.size(), missing)));
  }
}

int64_t RecordingStream::available() const { return output_[0].size(); }

int64_t RecordingStream::pull(std::span<float* const> sources, int64_t samples) {
  if (sources.size() != output_.size())
    throw_error("[recording_stream] expected {} sources, got {}", output_.size(), sources.size());
  const int64_t count = std::min(samples, available());
  for (size_t s = 0; s < output_.size(); ++s) output_[s].take(sources[s], count);
  pulled_ += count;
  return count;
}

int64_t RecordingStream::delay() const {
  const int64_t chunk = resampled_length(chunk_length_, network_rate_, rate_);
  if (network_rate_ == rate_) return chunk;
  return chunk + resampled_length(conversion_delay, std::min(network_rate_, rate_), rate_) + block;
}

}  // namespace sunder
