#include "tensor/fft.h"

#include <algorithm>
#include <bit>
#include <list>
#include <mutex>

#include "tensor/error.h"

namespace sunder {

template <class T>
std::shared_ptr<const RealFft<T>> real_fft(int64_t size) {
  if (size < 1) throw_error("[fft] expected a size of at least 1, got {}", size);
  static std::mutex mutex;
  static std::list<std::shared_ptr<const RealFft<T>>> cache;  // last used first
  std::lock_guard lock(mutex);
  const auto found = std::find_if(cache.begin(), cache.end(), [&](const auto& fft) { return fft->size() == size; });
  if (found != cache.end()) {
    cache.splice(cache.begin(), cache, found);
  } else {
    const bool power_of_two = size >= 4 && std::has_single_bit(static_cast<uint64_t>(size));
    cache.push_front(power_of_two ? make_lane_fft<T>(size) : make_any_fft<T>(size));
    if (cache.size() > fft_cache_limit) cache.pop_back();
  }
  return cache.front();
}

template std::shared_ptr<const RealFft<float>> real_fft(int64_t);
template std::shared_ptr<const RealFft<double>> real_fft(int64_t);

}  // namespace sunder
