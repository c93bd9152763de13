// A bounded cache for the handles and plans of CUDA's libraries, which are expensive to make.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <utility>

#include "tensor/cuda/captures.h"

namespace sunder::cuda {

// Keeps the most recently used entries. Entries that a graph uses (`Entry::captured`) are not evicted while it lives,
// because its nodes may point at their memory. An entry is constructed from its key, which key() returns, and the
// further arguments of get(). Callers hold the mutex while they use an entry; otherwise another thread could evict it.
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
    size_t evictable = 0;
    for (auto entry = entries_.begin(); entry != entries_.end();)
      if (!entry->captured.any() && ++evictable >= limit_) entry = entries_.erase(entry);
      else ++entry;
    return entries_.emplace_front(key, std::forward<More>(more)...);
  }

  // The same for a call that may be captured into a graph, which then keeps the entry.
  template <class Key, class... More>
  Entry& use(const Key& key, More&&... more) {
    Entry& entry = get(key, std::forward<More>(more)...);
    entry.captured.add();
    return entry;
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
