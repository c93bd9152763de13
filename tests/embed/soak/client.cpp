#include "tests/embed/soak/client.h"

#include <fmt/format.h>

#include <thread>

namespace sunder::soak {
namespace {

constexpr int most_cancellations = 3;  // of one call

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
