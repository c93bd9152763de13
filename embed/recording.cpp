#include <algorithm>

#include "embed/session.h"

namespace sunder::embed {
namespace {

// Frames that are converted at a time.
constexpr int64_t block = 65536;

// One pointer for each row.
template <class T, class Rows>
std::vector<T*> pointers(Rows& rows) {
  std::vector<T*> result;
  for (auto& row : rows) result.push_back(row.data());
  return result;
}

}  // namespace

void Recording::push(const void* samples, int64_t frames, const std::function<void()>& after_block) {
  for (int64_t begin = 0; begin < frames; begin += block) {
    const int64_t count = std::min(block, frames - begin);
    std::vector<std::vector<float>> rows(in.channels, std::vector<float>(count));
    read_frames(samples, frames, in, begin, rows);
    stream.push(pointers<const float>(rows), count);
    pushed += count;
    after_block();
  }
}

int64_t Recording::pull(void* samples, int64_t frames, int64_t begin, uint64_t& clipped) {
  int64_t pulled = 0;
  while (const int64_t count = std::min({stream.available(), frames - begin - pulled, block})) {
    std::vector<std::vector<float>> rows(out.channels, std::vector<float>(count));
    stream.pull(pointers<float>(rows), count);
    clipped += write_frames(samples, frames, out, begin + pulled, rows);
    pulled += count;
  }
  return pulled;
}

}  // namespace sunder::embed
