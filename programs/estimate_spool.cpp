#include "programs/estimate_spool.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>

#include "files/file_io.h"
#include "files/temporary.h"
#include "tensor/error.h"

namespace sunder {
namespace {

constexpr int64_t block_frames = 16384;

[[noreturn]] void fail(int error) {
  std::error_code ignored;
  throw_error("the estimates cannot be kept in the folder {} for temporary files: {}",
              std::filesystem::temp_directory_path(ignored).string(), std::strerror(error));
}

}  // namespace

EstimateSpool::EstimateSpool(int64_t outputs, int sample_rate)
    : outputs_(outputs), activity_(outputs, sample_rate), file_(unnamed_file()) {
  if (!file_.is_open()) fail(errno);
}

void EstimateSpool::push(const std::vector<std::vector<float>>& outputs) {
  activity_.push(outputs);
  const size_t count = outputs[0].size();
  std::vector<float> frames(count * outputs.size());
  for (size_t s = 0; s < outputs.size(); ++s)
    for (size_t t = 0; t < count; ++t) frames[t * outputs.size() + s] = outputs[s][t];
  if (!write_all(file_.number(), std::as_bytes(std::span(frames)))) fail(errno);
  samples_ += static_cast<int64_t>(count);
}

void EstimateSpool::read_sums(const std::vector<std::vector<int64_t>>& groups,
                              const std::function<void(const std::vector<std::vector<float>>& sums)>& take) const {
  std::vector<float> frames;
  std::vector<std::vector<float>> sums(groups.size());
  for (int64_t begin = 0; begin < samples_; begin += block_frames) {
    const int64_t count = std::min(block_frames, samples_ - begin);
    frames.resize(count * outputs_);
    const size_t bytes = frames.size() * sizeof(float);
    size_t got = bytes;
    if (!read_at(file_.number(), static_cast<uint64_t>(begin * outputs_) * sizeof(float),
                 reinterpret_cast<char*>(frames.data()), got))
      fail(errno);
    if (got < bytes) fail(EIO);
    for (size_t g = 0; g < groups.size(); ++g) {
      sums[g].assign(count, 0.0f);
      for (const int64_t s : groups[g])
        for (int64_t t = 0; t < count; ++t) sums[g][t] += frames[t * outputs_ + s];
    }
    take(sums);
  }
}

}  // namespace sunder
