// What fails, or stands beside it: cancelled calls, busy sessions, little memory, wrong arguments and models.
#include <fmt/format.h>

#include <cmath>
#include <thread>

#include "tests/embed/soak/client.h"

namespace sunder::soak {

void Client::cancelled(Opened& opened) {
  ++tally_["cancelled by the callback"];
  const Recording& recording = any_recording(opened);
  Samples mixture(recording.frames, opened.file->microphones, recording.rate, {});
  const Samples estimates(recording.frames, opened.file->sources, 0, {});
  mixture.fill(recording.mixture, recording.frames, 0);
  *opened.on_progress = [] { return true; };
  const sunder_status status = sunder_separate(opened.session.get(), &mixture.audio(), &estimates.audio());
  *opened.on_progress = nullptr;
  expect(status, SUNDER_CANCELLED, "cancelled", opened.session.get());
}

// Another thread tries the session in the middle of a call.
void Client::busy(Opened& opened) {
  ++tally_["busy"];
  sunder_session* session = opened.session.get();
  sunder_status tried[3] = {};
  *opened.on_progress = [&] {
    std::thread([&] {
      int64_t count = 0;
      uint64_t bytes = 0;
      tried[0] = sunder_separate(session, nullptr, nullptr);
      tried[1] = sunder_pull(session, nullptr, 0, &count);
      tried[2] = sunder_session_memory(session, 100, 0, &bytes);
    }).join();
    return false;
  };
  whole(opened, any_recording(opened));
  *opened.on_progress = nullptr;
  for (const sunder_status status : tried) expect(status, SUNDER_BUSY, "busy");
}

// A session that has enough for the shortest recording alone.
void Client::too_little_memory() {
  ++tally_["too little memory"];
  open(0, 1);
  Opened& opened = opened_[0];
  const Recording &shortest = opened.file->recordings.front(), &longest = opened.file->recordings.back();
  uint64_t least = 0, chunk = 0;
  const auto query = [&](const Recording& recording, uint64_t* bytes) {
    expect(sunder_session_memory(opened.session.get(), recording.frames, recording.rate, bytes), SUNDER_OK, "memory",
           opened.session.get());
  };
  query(shortest, &least);
  query(longest, &chunk);
  // A limit makes a session free what it does not use: less than the query says may do.
  if (chunk < 6 * least)
    throw std::runtime_error(fmt::format("memory: {} bytes of a chunk, {} at least", chunk, least));
  const ModelFile* file = opened.file;
  do open(0, least + least / 4);
  while (opened.file != file);
  Samples mixture(longest.frames, file->microphones, longest.rate, {});
  const Samples estimates(longest.frames, file->sources, 0, {});
  mixture.fill(longest.mixture, longest.frames, 0);
  expect(sunder_separate(opened.session.get(), &mixture.audio(), &estimates.audio()), SUNDER_OUT_OF_MEMORY,
         "too little memory", opened.session.get());
  whole(opened, shortest);
  open(0);
}

void Client::memory_query(Opened& opened) {
  ++tally_["memory query"];
  const Recording& recording = any_recording(opened);
  uint64_t bytes = 0;
  const sunder_status status = uncancelled(
      [&] { return sunder_session_memory(opened.session.get(), recording.frames, recording.rate, &bytes); });
  expect(status, SUNDER_OK, "memory query", opened.session.get());
  if (bytes == 0) throw std::runtime_error("memory query: 0 bytes");
}

void Client::mistake(Opened& opened) {
  ++tally_["bad argument"];
  const Recording& recording = opened.file->recordings[2];
  sunder_session* session = opened.session.get();
  Samples mixture(recording.frames, opened.file->microphones, recording.rate, {});
  const Samples estimates(recording.frames, opened.file->sources, 0, {});
  mixture.fill(recording.mixture, recording.frames, 0);
  sunder_audio from = mixture.audio(), to = estimates.audio();
  sunder_status expected = SUNDER_BAD_ARGUMENT;
  switch (below(random_, 10)) {
    case 0:
      from.channels += 1;
      break;
    case 1:
      to.channels = -1;
      break;
    case 2:
      to.frames += 1;
      break;
    case 3:
      from.frames = to.frames = -recording.frames;
      break;
    case 4:
      from.frames = to.frames = INT64_MAX;
      break;
    case 5:
      from.sample_rate = 1;
      break;
    case 6:
      to.layout = 3;
      break;
    case 7:
      from.struct_size = 3;
      break;
    case 8:
      from.samples = nullptr;
      break;
    default:
      static_cast<float*>(from.samples)[below(random_, recording.frames)] = NAN;
      expected = SUNDER_BAD_AUDIO;
      break;
  }
  const sunder_status status = uncancelled([&] { return sunder_separate(session, &from, &to); });
  expect(status, expected, "bad argument", session);
  if (*sunder_session_error(session) == '\0') throw std::runtime_error("bad argument: no message");
}

void Client::bad_model() {
  ++tally_["bad model"];
  const ModelFile& file = files_[below(random_, static_cast<int64_t>(files_.size()))];
  sunder_model* model = nullptr;
  const auto cut = static_cast<size_t>(below(random_, static_cast<int64_t>(file.bytes.size())));
  expect(sunder_model_load_memory(file.bytes.data(), cut, nullptr, &model), SUNDER_BAD_MODEL, "cut model");
  expect(sunder_model_load((file.path + ".none").c_str(), nullptr, &model), SUNDER_BAD_MODEL, "no model");
  if (model || *sunder_last_error() == '\0') throw std::runtime_error("bad model: a model, or no message");
}

}  // namespace sunder::soak
