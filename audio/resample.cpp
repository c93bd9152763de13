#include "audio/resample.h"

#include <soxr.h>

#include "tensor/error.h"

namespace sunder {

int64_t resampled_length(int64_t samples, int from, int to) {
  if (from <= 0 || to <= 0) throw_error("[resample] expected positive sample rates, got {} and {} Hz", from, to);
  return (samples * to + from - 1) / from;
}

std::vector<float> resample(std::span<const float> signal, int from, int to) {
  const int64_t length = resampled_length(static_cast<int64_t>(signal.size()), from, to);
  if (from == to || signal.empty()) return {signal.begin(), signal.end()};
  // soxr rounds the length: what is missing up to ceil() stays zero.
  std::vector<float> output(length, 0.0f);
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  size_t done = 0;
  const soxr_error_t failure = soxr_oneshot(from, to, 1, signal.data(), signal.size(), nullptr, output.data(),
                                            output.size(), &done, &io, &quality, &runtime);
  if (failure != nullptr)
    throw_error("[resample] {} samples from {} to {} Hz: {}", signal.size(), from, to, soxr_strerror(failure));
  return output;
}

}  // namespace sunder
