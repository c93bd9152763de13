#include "audio/resample.h"

#include <soxr.h>

#include <algorithm>
#include <memory>

#include "tensor/error.h"

namespace sunder {
namespace {

struct Delete {
  void operator()(soxr_t resampler) const { soxr_delete(resampler); }
};

}  // namespace

int64_t resampled_length(int64_t samples, int from, int to) {
  if (from <= 0 || to <= 0) throw_error("[resample] expected positive sample rates, got {} and {} Hz", from, to);
  return (samples * to + from - 1) / from;
}

std::vector<float> resample(std::span<const float> signal, int from, int to) {
  const int64_t length = resampled_length(static_cast<int64_t>(signal.size()), from, to);
  if (from == to || signal.empty()) return {signal.begin(), signal.end()};
  // soxr rounds the length: what is missing up to ceil() stays zero.
  std::vector<float> output(length, 0.0f);
  const auto check = [&](soxr_error_t failure) {
    if (failure != nullptr)
      throw_error("[resample] {} samples from {} to {} Hz: {}", signal.size(), from, to, soxr_strerror(failure));
  };
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  soxr_error_t failure = nullptr;
  const std::unique_ptr<soxr, Delete> resampler(soxr_create(from, to, 1, &failure, &io, &quality, &runtime));
  check(failure);
  // In blocks, which give the same samples: soxr keeps three times what it is given at once.
  constexpr size_t block = 65536;
  size_t taken = 0, made = 0;
  for (bool more = true; more;) {
    size_t used = 0, got = 0;
    const size_t given = std::min(block, signal.size() - taken);
    check(soxr_process(resampler.get(), given == 0 ? nullptr : signal.data() + taken, given, &used,
                       output.data() + made, output.size() - made, &got));
    taken += used, made += got;
    more = used > 0 || got > 0;
  }
  return output;
}

}  // namespace sunder
