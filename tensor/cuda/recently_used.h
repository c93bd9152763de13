// Handles and plans of CUDA's libraries, which are expensive to make.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <utility>

#include "tensor/cuda/check.h"
#include "tensor/device.h"

namespace sunder::cuda {

inline constexpr size_t handle_limit = 8;  // of a library, on as many streams

inline bool is_capturing(Stream stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  SUNDER_CUDA_CHECK(cudaStreamIsCapturing(static_cast<cudaStream_t>(stream.handle), &status));
  return status == cudaStreamCaptureStatusActive;
}

// The entries that were used last; the others go, but for those that a graph has captured (`Entry::captured`): its
// nodes may point at their memory. An entry is made of its key, key(), and what else get() is given. Callers hold the
// lock as long as they use an entry, or another thread might push it out.
template <class Entry>
class RecentlyUsed {
 public:
  explicit RecentlyUsed(size_t limit) : limit_(limit) {}

  template <class Key, class... More>
  Entry& get(const Key& key, More&&... more) {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->key() != key) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entries_.front();
    }
    size_t kept = 0;
    for (auto entry = entries_.begin(); entry != entries_.end();)
      if (!entry->captured && ++kept >= limit_) entry = entries_.erase(entry);
      else ++entry;
    return entries_.emplace_front(key, std::forward<More>(more)...);
  }

  template <class Predicate>
  void forget(const Predicate& predicate) {
    entries_.remove_if([&](const Entry& entry) { return predicate(entry.key()); });
  }
  void clear() { entries_.clear(); }
  size_t size() const { return entries_.size(); }
  std::mutex& mutex() { return mutex_; }

 private:
  std::mutex mutex_;
  std::list<Entry> entries_;
  size_t limit_;
};

}  // namespace sunder::cuda
