#include "embed/log.h"

#include <fmt/format.h>

#include <mutex>
#include <shared_mutex>

namespace sunder::embed {
namespace {

// Seams below it are warnings: the outputs may have changed places. 0 is silence, 1 outputs that nobody could mix up.
constexpr double doubtful = 0.1;

struct Listener {
  std::shared_mutex mutex;  // held while the callback runs, so that sunder_set_log can wait for it
  sunder_log_callback callback = nullptr;
  void* user = nullptr;
};
Listener listener;

}  // namespace

void log(sunder_log_level level, const std::string& message) noexcept {
  try {
    const std::shared_lock lock(listener.mutex);
    if (listener.callback) listener.callback(listener.user, level, message.c_str());
  } catch (...) {  // of a callback in C++, or a lock that the system refuses: nobody is left to tell
  }
}

bool is_logging() noexcept {
  try {
    const std::shared_lock lock(listener.mutex);
    return listener.callback != nullptr;
  } catch (...) {
    return false;
  }
}

std::function<void(const Seam&)> seam_log(int sample_rate) {
  return [sample_rate](const Seam& seam) {
    if (!is_logging()) return;
    const double second = static_cast<double>(seam.sample) / sample_rate;
    const bool doubt = seam.confidence < doubtful;
    log(doubt ? SUNDER_LOG_WARNING : SUNDER_LOG_INFO,
        fmt::format("chunks meet at {:.1f} s, confidence {:.2f}{}", second, seam.confidence,
                    doubt ? ": from there on the outputs may have changed places" : ""));
  };
}

}  // namespace sunder::embed

using namespace sunder::embed;

void sunder_set_log(sunder_log_callback callback, void* user) {
  const std::unique_lock lock(listener.mutex);
  listener.callback = callback;
  listener.user = user;
}
