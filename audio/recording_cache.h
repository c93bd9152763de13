// Decoded recordings kept in memory, so that from the second epoch on no file is decoded again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace sunder {

using Signal = std::shared_ptr<const std::vector<float>>;

// Keeps the first recordings up to `limit` bytes and evicts none: every epoch visits every recording in a new order,
// where evicting the least recently used one would drop what is needed soon. Safe to use from several threads.
class RecordingCache {
 public:
  explicit RecordingCache(int64_t limit) : limit_(limit) {}

  // The signal with this key; `load` makes it if it is not cached.
  Signal get(const std::string& key, const std::function<std::vector<float>()>& load);
  int64_t bytes() const;

 private:
  const int64_t limit_;
  mutable std::mutex mutex_;
  int64_t bytes_ = 0;
  std::unordered_map<std::string, Signal> signals_;
};

}  // namespace sunder
