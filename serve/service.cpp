#include "serve/service.h"

#include <algorithm>

#include "serve/packing.h"
#include "serve/page.h"
#include "serve/voices.h"
#include "tensor/error.h"

namespace sunder::serve {
namespace {

constexpr auto look_for_hang_up = std::chrono::milliseconds(100);

// Nobody will read it; nginx's name for a client that is gone.
constexpr int client_gone = 499;

Answer text_answer(int status, const char* text) { return {status, "text/plain; charset=utf-8", text, {}}; }

// Of a job that failed.
[[noreturn]] void refuse(const Job& job) {
  switch (job.status) {
    case SUNDER_BAD_AUDIO:
      throw Refusal(400, job.message);
    case SUNDER_CANCELLED:
      throw Refusal(503, "the server is shutting down");
    case SUNDER_OUT_OF_MEMORY:
      throw Refusal(503, "no memory is left to separate the recording", {{"Retry-After", "10"}});
    case SUNDER_DEVICE_LOST:
      throw Refusal(503, "the server's device failed");
    default:
      throw Refusal(500, "the recording could not be separated: " + job.message);
  }
}

}  // namespace

Service::Service(sunder_model* model, const ServeOptions& options)
    : model_(model), options_(options), queue_(model, options.queue) {}

Answer Service::health() const { return text_answer(200, "ok\n"); }

Answer Service::ready() const {
  if (queue_.device_lost()) return text_answer(503, "the device failed\n");
  return closing_ ? text_answer(503, "shutting down\n") : text_answer(200, "ready\n");
}

Answer Service::metrics() const {
  const WorkQueue::Counts counts = queue_.counts();
  const bool ready = !closing_ && !queue_.device_lost();
  return {200,
          "text/plain; version=0.0.4; charset=utf-8",
          metrics_.text({counts.places, options_.queue.places(), counts.waiting, counts.running, *streams_, ready}),
          {}};
}

Answer Service::page() const {
  return {200,
          "text/html; charset=utf-8",
          page_html,
          {{"Content-Security-Policy",
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; media-src blob:; "
            "connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"},
           {"Cache-Control", "no-cache"}}};
}

std::shared_ptr<void> Service::enter() {
  if (closing_) throw Refusal(503, "the server is shutting down");
  if (queue_.device_lost()) throw Refusal(503, "the server's device failed");
  std::shared_ptr<void> place = queue_.enter();
  if (!place)
    throw Refusal(429, fmt::format("all {} places are taken; try again later", options_.queue.places()),
                  {{"Retry-After", std::to_string(queue_.retry_after_seconds())}});
  return place;
}

SeparateParameters Service::parameters(const Query& query) const {
  return separate_parameters(query, sunder_model_sources(model_));
}

Answer Service::separate(std::shared_ptr<void> place, FileDescriptor file, const SeparateParameters& parameters,
                         Clock::time_point until, const std::function<bool()>& hung_up, RequestRecord& record) {
  Sound sound =
      decode(std::move(file), sunder_model_microphones(model_), parameters.channel, options_.limits.audio_seconds);
  record.audio_seconds = sound.seconds();
  const std::shared_ptr<Job> job = queue_.submit(std::move(place), std::move(sound));
  wait(*job, until, hung_up);
  record.waited = job->waited;
  record.worked = job->worked;
  record.together = job->together;
  if (job->status != SUNDER_OK) refuse(*job);
  const Voices voices = make_voices(*job, parameters.sources, parameters.encoding);
  record.clipped = static_cast<uint64_t>(voices.clipped);
  job->estimates = {};  // their memory is needed for the answer
  return pack(parameters.packing, voices,
              {record.id, job->mixture.sample_rate, record.audio_seconds, record.worked / record.audio_seconds});
}

void Service::wait(Job& job, Clock::time_point until, const std::function<bool()>& hung_up) {
  while (!queue_.wait(job, std::min(until, Clock::now() + look_for_hang_up))) {
    const bool gone = hung_up();
    if (!gone && Clock::now() < until) continue;
    const bool had_begun = !queue_.cancel(job);
    if (gone) throw Refusal(client_gone, "the client hung up");
    if (had_begun) throw Refusal(504, fmt::format("not separated within {:g} s", options_.limits.seconds));
    throw Refusal(503, fmt::format("the recording's turn did not come within {:g} s", options_.limits.seconds),
                  {{"Retry-After", std::to_string(queue_.retry_after_seconds())}});
  }
}

std::unique_ptr<Service::Streaming> Service::begin_stream(const Query& query) {
  if (closing_) throw Refusal(503, "the server is shutting down");
  const StreamParameters parameters =
      stream_parameters(query, sunder_model_microphones(model_), options_.queue.chunk_seconds);
  if (++*streams_ > options_.streams) {
    --*streams_;
    throw Refusal(429, fmt::format("all {} streams are taken; try again later", options_.streams),
                  {{"Retry-After", "10"}});
  }
  std::shared_ptr<void> place(streams_.get(), [streams = streams_](void*) { --*streams; });
  return std::make_unique<Streaming>(
      Streaming{std::move(place), RawStream(model_, parameters, options_.queue.session_params())});
}

}  // namespace sunder::serve
