// What the server does, whatever library brings it requests: one function for each endpoint.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "serve/answer.h"
#include "serve/metrics.h"
#include "serve/options.h"
#include "serve/parameters.h"
#include "serve/raw_stream.h"
#include "serve/work_queue.h"

namespace sunder::serve {

class Service {
 public:
  // `model` must outlive the service. Throws Error.
  Service(sunder_model* model, const ServeOptions& options);

  const RequestLimits& limits() const { return options_.limits; }
  // Requests that may be under way at a time; each may keep a thread of the server's.
  int most_requests() const { return options_.queue.places() + options_.streams; }

  int voices() const { return sunder_model_sources(model_); }

  Answer health() const;
  Answer ready() const;
  Answer metrics() const;
  Answer page() const;

  // A place for a request, taken before its body is read and kept until it is answered. Throws Refusal: 429 with
  // Retry-After where all are taken, 503 where the server ends.
  std::shared_ptr<void> enter();
  // What a query asks of separate(). Throws Refusal.
  SeparateParameters parameters(const Query& query) const;
  // Separates an audio file. Waits until `until`, asking now and then whether the client has hung up. Fills in the
  // record. Throws Refusal.
  Answer separate(std::shared_ptr<void> place, FileDescriptor file, const SeparateParameters& parameters,
                  Clock::time_point until, const std::function<bool()>& hung_up, RequestRecord& record);
  // A stream, which keeps its place as long as it lives. Throws Refusal.
  struct Streaming {
    std::shared_ptr<void> place;
    RawStream stream;
  };
  std::unique_ptr<Streaming> begin_stream(const Query& query);

  void add(const RequestRecord& record) { metrics_.add(record); }

  // From now on no request is taken, and /ready says 503.
  void close() { closing_ = true; }
  bool is_closing() const { return closing_; }
  // Whether all that were taken are answered.
  bool is_idle() const { return queue_.counts().places == 0 && *streams_ == 0; }

 private:
  void wait(Job& job, Clock::time_point until, const std::function<bool()>& hung_up);

  sunder_model* model_;
  const ServeOptions options_;
  WorkQueue queue_;
  Metrics metrics_;
  const std::shared_ptr<std::atomic<int>> streams_ = std::make_shared<std::atomic<int>>(0);
  std::atomic<bool> closing_ = false;
};

}  // namespace sunder::serve
