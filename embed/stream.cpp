// Recordings that come block by block.
#include "embed/call.h"
#include "embed/log.h"

using namespace sunder;
using namespace sunder::embed;

namespace {

constexpr sunder_audio no_audio = SUNDER_AUDIO_INIT;

Recording& recording_of(sunder_session& session) {
  if (!session.recording) bad_argument("expected a stream, which sunder_stream_begin begins and a failed call ends");
  return *session.recording;
}

// Runs `work` on the session's stream; a failure ends the stream, whose state it leaves undefined.
template <class Work>
void in_stream(sunder_session& session, const Work& work) {
  Recording& recording = recording_of(session);
  try {
    work(recording);
  } catch (...) {
    session.recording.reset();
    throw;
  }
}

}  // namespace

sunder_status sunder_stream_begin(sunder_session* session, const sunder_audio* like) {
  return call(session, [&] {
    session->recording.reset();
    session->clipped = 0;
    if (!like) bad_argument("like: expected the format of a recording, got NULL");
    const sunder_audio audio = known_part(like, no_audio, "like");
    const Layout in = checked_layout(audio, session->network.microphones(), "like");
    if (audio.memory != SUNDER_HOST)
      bad_argument("like.memory: expected SUNDER_HOST, which streams come from, got SUNDER_DEVICE");
    const int rate = checked_rate(audio.sample_rate, session->model->sample_rate, "like.sample_rate");
    Layout out = in;
    out.channels = static_cast<int>(session->network.sources());
    session->recording.emplace(
        Recording{RecordingStream(session->network, session->model->sample_rate, rate, session->chunks, seam_log(rate)),
                  in, out});
  });
}

sunder_status sunder_push(sunder_session* session, const void* samples, int64_t frames) {
  return call(session, [&] {
    check_samples(samples, frames, recording_of(*session).in, "samples");
    in_stream(*session, [&](Recording& recording) {
      recording.push(samples, frames, [&] { report(*session, recording.pushed, -1); });
    });
  });
}

sunder_status sunder_finish(sunder_session* session) {
  return call(session, [&] { in_stream(*session, [](Recording& recording) { recording.stream.finish(); }); });
}

sunder_status sunder_pull(sunder_session* session, void* samples, int64_t frames, int64_t* pulled) {
  if (pulled) *pulled = 0;
  return call(session, [&] {
    Recording& recording = recording_of(*session);
    if (!pulled) bad_argument("pulled: expected where to store the count, got NULL");
    check_samples(samples, frames, recording.out, "samples");
    session->clipped = 0;
    *pulled = recording.pull(samples, frames, 0, session->clipped);
  });
}

int64_t sunder_available(const sunder_session* session) {
  return session && session->recording ? session->recording->stream.available() : 0;
}

int64_t sunder_delay(const sunder_session* session) {
  return session && session->recording ? session->recording->stream.delay() : 0;
}
