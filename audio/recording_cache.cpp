#include "audio/recording_cache.h"

namespace sunder {

Signal RecordingCache::get(const std::string& key, const std::function<std::vector<float>()>& load) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = signals_.find(key); found != signals_.end()) return found->second;
  }
  // Outside the lock: two threads may decode the same file at once; one result is kept.
  const auto signal = std::make_shared<const std::vector<float>>(load());
  const auto size = static_cast<int64_t>(signal->size() * sizeof(float));
  const std::lock_guard lock(mutex_);
  if (bytes_ + size > limit_) return signal;
  const auto [place, inserted] = signals_.emplace(key, signal);
  if (inserted) bytes_ += size;
  return place->second;
}

int64_t RecordingCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace sunder
