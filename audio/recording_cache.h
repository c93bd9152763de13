// Decoded recordings in memory, so that after the first epoch loading a mixture is a few vector operations.
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

// Keeps what comes first up to `limit` bytes and drops nothing: epochs visit every recording once in a new order, where
// dropping the least recently used would throw away what is needed next. Safe to use from several threads.
class RecordingCache {
 public:
  explicit RecordingCache(int64_t limit) : limit_(limit) {}

  // The signal under `key`; `load` makes it where it is not kept.
  Signal get(const std::string& key, const std::function<std::vector<float>()>& load);
  int64_t bytes() const;

 private:
  const int64_t limit_;
  mutable std::mutex mutex_;
  int64_t bytes_ = 0;
  std::unordered_map<std::string, Signal> signals_;
};

}  // namespace sunder
