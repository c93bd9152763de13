// Samples of one signal between who makes and who takes them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace sunder {

class SampleQueue {
 public:
  int64_t size() const { return static_cast<int64_t>(samples_.size()) - begin_; }
  float* data() { return samples_.data() + begin_; }
  const float* data() const { return samples_.data() + begin_; }
  void append(std::span<const float> samples) { samples_.insert(samples_.end(), samples.begin(), samples.end()); }

  // Forgets the first `count` samples. They are moved only where at least as many are gone as remain, so that taking
  // few at a time costs no more than taking all at once.
  void drop(int64_t count) {
    begin_ += count;
    if (begin_ < size()) return;
    samples_.erase(samples_.begin(), samples_.begin() + begin_);
    begin_ = 0;
  }
  // Copies the first `count` samples and forgets them.
  void take(float* to, int64_t count) {
    std::copy_n(data(), count, to);
    drop(count);
  }

 private:
  std::vector<float> samples_;
  int64_t begin_ = 0;
};

}  // namespace sunder
