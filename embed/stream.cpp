// Recordings that come block by block.
#include "embed/call.h"

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
    const int rate = checked_rate(audio.sample_rate, session->model->sample_rate, "like.sample_rate");
    Layout out = in;
    out.channels = static_cast<int>(session->network.sources());
    session->recording.emplace(
        Recording{RecordingStream(session->network, session->model->sample_rate, rate, session->chunks), in, out});
  });
}

sunder_status sunder_push(sunder_session* session, const void* samples, int64_t frames) {
  return call(session, [&] {
    check_samples(samples, frames, recording_of(*session).in, "samples");
    in_stream(*session, [&](Recording& recording) {
      constexpr int64_t block = 65536;
      for (int64_t begin = 0; begin < frames; begin += block) {
        std::vector<std::vector<float>> rows(recording.in.channels,
                                             std::vector<float>(std::min(block, frames - begin)));
        read_frames(samples, frames, recording.in, begin, rows);
        std::vector<const float*> from;
        for (const std::vector<float>& row : rows) from.push_back(row.data());
        recording.stream.push(from, static_cast<int64_t>(rows[0].size()));
        recording.pushed += static_cast<int64_t>(rows[0].size());
        report(*session, recording.pushed, -1);
      }
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
    const int64_t count = std::min(frames, recording.stream.available());
    std::vector<std::vector<float>> rows(recording.out.channels, std::vector<float>(count));
    std::vector<float*> to;
    for (std::vector<float>& row : rows) to.push_back(row.data());
    recording.stream.pull(to, count);
    session->clipped = write_frames(samples, frames, recording.out, 0, rows);
    *pulled = count;
  });
}

int64_t sunder_available(const sunder_session* session) {
  return session && session->recording ? session->recording->stream.available() : 0;
}

int64_t sunder_delay(const sunder_session* session) {
  return session && session->recording ? session->recording->stream.delay() : 0;
}
