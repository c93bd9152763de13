#include "audio/resample.h"

#include <soxr.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tensor/error.h"

namespace sunder {
namespace {

// Samples that soxr is given, and asked for, at once: it keeps three times as many.
constexpr size_t block = 8192;

}  // namespace

int64_t resampled_length(int64_t samples, int from, int to) {
  if (from <= 0 || to <= 0) throw_error("[resample] expected positive sample rates, got {} and {} Hz", from, to);
  return (samples * to + from - 1) / from;
}

void Resampler::Delete::operator()(soxr* resampler) const { soxr_delete(resampler); }

Resampler::Resampler(int from, int to) : from_(from), to_(to) {
  resampled_length(0, from, to);
  if (from == to) return;
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  soxr_error_t failure = nullptr;
  resampler_.reset(soxr_create(from, to, 1, &failure, &io, &quality, &runtime));
  if (failure != nullptr) throw_error("[resample] from {} to {} Hz: {}", from, to, soxr_strerror(failure));
}

void Resampler::convert(std::span<const float> signal, bool last, std::vector<float>& output) {
  std::array<float, block> converted;
  for (bool more = true; more;) {
    size_t used = 0, got = 0;
    const size_t given = std::min(block, signal.size());
    const soxr_error_t failure = soxr_process(resampler_.get(), last ? nullptr : signal.data(), given, &used,
                                              converted.data(), converted.size(), &got);
    if (failure != nullptr)
      throw_error("[resample] sample {} from {} to {} Hz: {}", taken_, from_, to_, soxr_strerror(failure));
    output.insert(output.end(), converted.begin(), converted.begin() + static_cast<int64_t>(got));
    signal = signal.subspan(used);
    taken_ += static_cast<int64_t>(used), made_ += static_cast<int64_t>(got);
    more = !signal.empty() || (last ? got > 0 : got == converted.size());
  }
}

void Resampler::push(std::span<const float> signal, std::vector<float>& output) {
  if (finished_) throw_error("[resample] expected no samples after the end");
  if (signal.empty()) return;
  if (resampler_) return convert(signal, false, output);
  output.insert(output.end(), signal.begin(), signal.end());
}

void Resampler::finish(std::vector<float>& output) {
  if (std::exchange(finished_, true) || !resampler_ || taken_ == 0) return;
  convert({}, true, output);
  // soxr rounds the length: what is missing up to ceil() is zero.
  const int64_t missing = resampled_length(taken_, from_, to_) - made_;
  output.resize(static_cast<size_t>(static_cast<int64_t>(output.size()) + missing), 0.0f);
}

std::vector<float> resample(std::span<const float> signal, int from, int to) {
  std::vector<float> output;
  output.reserve(static_cast<size_t>(resampled_length(static_cast<int64_t>(signal.size()), from, to)));
  Resampler resampler(from, to);
  resampler.push(signal, output);
  resampler.finish(output);
  return output;
}

}  // namespace sunder
