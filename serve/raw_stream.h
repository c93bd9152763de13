// Samples in, samples out: one stream of a client.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "serve/model.h"
#include "serve/parameters.h"

namespace sunder::serve {

// Gets the voices' samples, interleaved, one channel a voice, as they were sent: little-endian float32 or int16.
using TakeBytes = std::function<void(std::string_view bytes)>;

class RawStream {
 public:
  // Begins a stream in a session of its own. `params`: where the parameters say nothing. Throws Error.
  RawStream(sunder_model* model, const StreamParameters& parameters, sunder_session_params params);

  // Takes bytes in pieces of any size. What can be said of the voices by now goes to `take`. Throws Refusal (400) for
  // samples that are not finite, Error where separating fails.
  void push(std::string_view bytes, const TakeBytes& take);
  // All bytes have come: gives the rest. Throws Refusal (400) where the last frame is not whole.
  void finish(const TakeBytes& take);

  int64_t frames() const { return frames_; }  // so far
  double seconds() const { return static_cast<double>(frames_) / sample_rate_; }
  uint64_t clipped() const { return clipped_; }                   // samples of the voices, of int16
  double worked() const { return worked_; }                       // seconds
  int64_t delay() const { return sunder_delay(session_.get()); }  // frames by which voices lag behind at most

 private:
  void check(sunder_status status) const;
  void work(const std::function<sunder_status()>& call);  // adds its time
  void pull(const TakeBytes& take);

  Session session_;
  int sample_rate_;
  size_t frame_bytes_, voice_frame_bytes_;
  std::string rest_;  // less than a frame
  int64_t frames_ = 0;
  uint64_t clipped_ = 0;
  double worked_ = 0;
};

}  // namespace sunder::serve
