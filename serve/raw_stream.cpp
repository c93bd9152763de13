#include "serve/raw_stream.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "serve/answer.h"
#include "serve/clock.h"
#include "tensor/error.h"

namespace sunder::serve {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are little-endian in streams");

constexpr int64_t block_frames = 16384;

Session session_for(sunder_model* model, const StreamParameters& parameters, sunder_session_params params) {
  if (parameters.chunk_seconds) {
    params.chunk_seconds = *parameters.chunk_seconds;
    params.overlap_seconds = 0;  // what suits the chunks
  }
  if (parameters.overlap_seconds) params.overlap_seconds = *parameters.overlap_seconds;
  return create_session(model, params);
}

}  // namespace

RawStream::RawStream(sunder_model* model, const StreamParameters& parameters, sunder_session_params params)
    : session_(session_for(model, parameters, params)),
      sample_rate_(parameters.sample_rate),
      frame_bytes_((parameters.is_int16 ? sizeof(int16_t) : sizeof(float)) * parameters.channels),
      voice_frame_bytes_(frame_bytes_ / parameters.channels * sunder_model_sources(model)) {
  sunder_audio like = SUNDER_AUDIO_INIT;
  like.channels = parameters.channels;
  like.sample_rate = parameters.sample_rate;
  like.format = parameters.is_int16 ? SUNDER_INT16 : SUNDER_FLOAT32;
  like.layout = SUNDER_INTERLEAVED;
  check(sunder_stream_begin(session_.get(), &like));
}

void RawStream::push(std::string_view bytes, const TakeBytes& take) {
  rest_ += bytes;
  // The samples of a copy are where their type may be.
  const auto count = static_cast<int64_t>(rest_.size() / frame_bytes_);
  if (count == 0) return;
  std::vector<float> aligned((rest_.size() + sizeof(float) - 1) / sizeof(float));
  const size_t whole = static_cast<size_t>(count) * frame_bytes_;
  std::memcpy(aligned.data(), rest_.data(), whole);
  rest_.erase(0, whole);
  work([&] { return sunder_push(session_.get(), aligned.data(), count); });
  frames_ += count;
  pull(take);
}

void RawStream::finish(const TakeBytes& take) {
  if (!rest_.empty())
    throw Refusal(400, fmt::format("expected whole frames of {} bytes, got {} bytes of the last one", frame_bytes_,
                                   rest_.size()));
  work([&] { return sunder_finish(session_.get()); });
  pull(take);
}

void RawStream::work(const std::function<sunder_status()>& call) {
  const Clock::time_point begin = Clock::now();
  check(call());
  worked_ += seconds_since(begin);
}

void RawStream::pull(const TakeBytes& take) {
  std::vector<float> block;
  while (const int64_t count = std::min(sunder_available(session_.get()), block_frames)) {
    const size_t bytes = static_cast<size_t>(count) * voice_frame_bytes_;
    block.resize((bytes + sizeof(float) - 1) / sizeof(float));
    int64_t pulled = 0;
    check(sunder_pull(session_.get(), block.data(), count, &pulled));
    clipped_ += sunder_clipped(session_.get());
    take({reinterpret_cast<const char*>(block.data()), static_cast<size_t>(pulled) * voice_frame_bytes_});
  }
}

void RawStream::check(sunder_status status) const {
  if (status == SUNDER_OK) return;
  if (status == SUNDER_BAD_AUDIO) throw Refusal(400, sunder_session_error(session_.get()));
  throw_error("{}", sunder_session_error(session_.get()));
}

}  // namespace sunder::serve
