#include "tests/embed/soak/client.h"

#include <fmt/format.h>

#include <thread>

namespace sunder::soak {
namespace {

constexpr int most_cancellations = 3;  // of one call
// Of blocks and batches; whole buffers are equal to the bit.
constexpr double rounding = 1e-6;

}  // namespace

Client::Client(const std::vector<ModelFile>& files, OpenSessions& open_sessions, size_t number, uint64_t seed)
    : files_(files), open_sessions_(open_sessions), number_(number), random_(seed) {
  for (size_t place = 0; place < places; ++place) open(place);
}

Client::~Client() { show(false); }

void Client::show(bool shown) {
  for (size_t place = 0; place < places; ++place)
    open_sessions_.set(number_ * places + place,
                       shown && opened_[place].may_be_cancelled ? opened_[place].session : nullptr);
}

// From its path or from memory.
sunder_model* Client::load(const ModelFile& file) {
  sunder_model* model = nullptr;
  if (below(random_, 2) == 0) {
    ++tally_["models from paths"];
    expect(sunder_model_load(file.path.c_str(), nullptr, &model), SUNDER_OK, "load");
  } else {
    ++tally_["models from memory"];
    std::string bytes = file.bytes;
    const sunder_status status = sunder_model_load_memory(bytes.data(), bytes.size(), nullptr, &model);
    expect(status, SUNDER_OK, "load from memory");
    bytes.assign(bytes.size(), 'x');
  }
  return model;
}

// Another model and session; the model is freed before its session.
void Client::open(size_t place, uint64_t memory_limit) {
  Opened& opened = opened_[place];
  show(false);
  opened.session.reset();
  opened.file = &files_[below(random_, static_cast<int64_t>(files_.size()))];
  sunder_session_params params = short_chunks();
  params.threads = static_cast<int>(below(random_, 3));
  params.memory_limit = memory_limit;
  params.progress = [](void* user, int64_t, int64_t) {
    const auto& on_progress = *static_cast<std::function<bool()>*>(user);
    return on_progress && on_progress() ? 1 : 0;
  };
  params.progress_user = opened.on_progress.get();
  sunder_model* model = load(*opened.file);
  sunder_session* session = nullptr;
  const sunder_status status = sunder_session_create(model, &params, &session);
  sunder_model_free(model);
  expect(status, SUNDER_OK, "session");
  opened.session = SharedSession(session, sunder_session_free);
  opened.may_be_cancelled = memory_limit == 0;
  show(true);
}

const Recording& Client::any_recording(const Opened& opened) {
  const auto& recordings = opened.file->recordings;
  return recordings[below(random_, static_cast<int64_t>(recordings.size()))];
}

sunder_status Client::uncancelled(const std::function<sunder_status()>& call) {
  for (int cancellations = 0;; ++cancellations) {
    if (cancellations == most_cancellations) show(false);
    const sunder_status status = call();
    if (status == SUNDER_CANCELLED) {
      ++tally_["cancelled by another thread"];
      continue;
    }
    if (cancellations >= most_cancellations) show(true);
    return status;
  }
}

void Client::compare(const Samples& found, const Recording& recording, Form form, int sources, double tolerance) {
  for (int s = 0; s < sources; ++s)
    for (int64_t t = 0; t < recording.frames; ++t) {
      float expected = recording.estimates[s * recording.frames + t];
      if (form.format == SUNDER_INT16) expected = quantised(expected);
      // Rounding may reach the next integer.
      const double allowed = tolerance > 0 && form.format == SUNDER_INT16 ? 1.0 / 32768 : tolerance;
      if (!(std::abs(found.at(s, t) - expected) <= allowed))
        throw std::runtime_error(fmt::format("sample {} of source {} of {} frames at {} Hz: expected {}, got {}", t, s,
                                             recording.frames, recording.rate, expected, found.at(s, t)));
    }
  if (!found.guarded()) throw std::runtime_error("wrote behind the end of a buffer");
}

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

void Client::run(int calls) {
  for (int i = 0; i < calls; ++i) {
    Opened& opened = opened_[below(random_, places)];
    const int64_t kind = below(random_, 100);
    if (kind < 45) whole(opened, any_recording(opened));
    else if (kind < 55) batch(opened);
    else if (kind < 75) stream(opened);
    else if (kind < 78) give_up_stream(opened);
    else if (kind < 81) cancelled(opened);
    else if (kind < 83) busy(opened);
    else if (kind < 85) too_little_memory();
    else if (kind < 87) memory_query(opened);
    else if (kind < 93) mistake(opened);
    else if (kind < 96) bad_model();
    else open(static_cast<size_t>(below(random_, places)));
  }
}

}  // namespace sunder::soak
