// What succeeds: recordings, batches and streams.
#include <fmt/format.h>

#include "tests/embed/soak/client.h"

namespace sunder::soak {
namespace {

// Of blocks and batches; whole buffers are equal to the bit.
constexpr double rounding = 1e-6;

}  // namespace

void Client::whole(Opened& opened, const Recording& recording) {
  ++tally_["whole"];
  const Form from = any_form(random_), to = any_form(random_);
  Samples mixture(recording.frames, opened.file->microphones, recording.rate, from);
  const Samples estimates(recording.frames, opened.file->sources, 0, to);
  mixture.fill(recording.mixture, recording.frames, 0);
  sunder_session* session = opened.session.get();
  const sunder_status status =
      uncancelled([&] { return sunder_separate(session, &mixture.audio(), &estimates.audio()); });
  expect(status, SUNDER_OK, "whole", session);
  compare(estimates, recording, to, opened.file->sources, 0);
}

void Client::batch(Opened& opened) {
  ++tally_["batch"];
  const int64_t count = 1 + below(random_, 5);
  const Form form = any_form(random_);
  std::vector<const Recording*> recordings;
  std::vector<std::unique_ptr<Samples>> mixtures, estimates;
  std::vector<sunder_audio> from, to;
  for (int64_t i = 0; i < count; ++i) {
    // Often one again, as those of one length run together.
    const Recording& recording = i > 0 && below(random_, 2) == 0 ? *recordings[0] : any_recording(opened);
    recordings.push_back(&recording);
    mixtures.push_back(std::make_unique<Samples>(recording.frames, opened.file->microphones, recording.rate, form));
    mixtures.back()->fill(recording.mixture, recording.frames, 0);
    estimates.push_back(std::make_unique<Samples>(recording.frames, opened.file->sources, recording.rate, form));
    from.push_back(mixtures.back()->audio());
    to.push_back(estimates.back()->audio());
  }
  sunder_session* session = opened.session.get();
  const sunder_status status =
      uncancelled([&] { return sunder_separate_batch(session, from.size(), from.data(), to.data()); });
  expect(status, SUNDER_OK, "batch", session);
  for (int64_t i = 0; i < count; ++i) compare(*estimates[i], *recordings[i], form, opened.file->sources, rounding);
}

// Pushes and pulls blocks of any length.
sunder_status Client::try_stream(Opened& opened, const Recording& recording, Form form) {
  sunder_session* session = opened.session.get();
  const int sources = opened.file->sources;
  const sunder_audio like = Samples(0, opened.file->microphones, recording.rate, form).audio();
  if (const sunder_status status = sunder_stream_begin(session, &like)) return status;
  Samples all(recording.frames, sources, 0, {});
  std::vector<float> found(sources * recording.frames);
  int64_t pulled = 0;
  const auto pull = [&] {
    const int64_t frames = below(random_, 1500);
    const Samples block(frames, sources, 0, form);
    int64_t count = 0;
    const sunder_status status = sunder_pull(session, block.audio().samples, frames, &count);
    if (status != SUNDER_OK) return status;
    if (pulled + count > recording.frames || !block.guarded()) throw std::runtime_error("stream: pulled too much");
    for (int s = 0; s < sources; ++s)
      for (int64_t t = 0; t < count; ++t) found[s * recording.frames + pulled + t] = block.at(s, t);
    pulled += count;
    return SUNDER_OK;
  };
  for (int64_t begin = 0; begin < recording.frames;) {
    const int64_t frames = std::min(1 + below(random_, 2000), recording.frames - begin);
    Samples block(frames, opened.file->microphones, recording.rate, form);
    block.fill(recording.mixture, recording.frames, begin);
    if (const sunder_status status = sunder_push(session, block.audio().samples, frames)) return status;
    begin += frames;
    if (below(random_, 2) == 0)
      if (const sunder_status status = pull()) return status;
    if (begin - pulled - sunder_available(session) > sunder_delay(session))
      throw std::runtime_error("stream: lags behind by more than sunder_delay");
  }
  if (const sunder_status status = sunder_finish(session)) return status;
  while (sunder_available(session) > 0)
    if (const sunder_status status = pull()) return status;
  if (pulled != recording.frames)
    throw std::runtime_error(fmt::format("stream: pushed {} frames, pulled {}", recording.frames, pulled));
  all.fill(found, recording.frames, 0);
  compare(all, recording, form, sources, rounding);
  return SUNDER_OK;
}

void Client::stream(Opened& opened) {
  ++tally_["stream"];
  const Form form = any_form(random_);
  const Recording& recording = any_recording(opened);
  const sunder_status status = uncancelled([&] { return try_stream(opened, recording, form); });
  expect(status, SUNDER_OK, "stream", opened.session.get());
}

// The next stream ends it; whole recordings do not mind.
void Client::give_up_stream(Opened& opened) {
  ++tally_["stream given up"];
  const Recording& recording = opened.file->recordings.back();
  const sunder_audio like = Samples(0, opened.file->microphones, recording.rate, {}).audio();
  sunder_session* session = opened.session.get();
  const sunder_status status = uncancelled([&] {
    const sunder_status begun = sunder_stream_begin(session, &like);
    if (begun != SUNDER_OK) return begun;
    Samples block(1234, opened.file->microphones, recording.rate, {});
    block.fill(recording.mixture, recording.frames, 0);
    return sunder_push(session, block.audio().samples, 1234);
  });
  expect(status, SUNDER_OK, "stream given up", session);
  if (below(random_, 2) == 0) whole(opened, any_recording(opened));
}

}  // namespace sunder::soak
