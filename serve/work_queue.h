// Recordings that wait for one of the sessions, and the threads that separate them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "serve/clock.h"
#include "serve/model.h"
#include "serve/sound.h"

namespace sunder::serve {

struct QueueOptions {
  int sessions = 0;  // recordings that are separated at a time
  int threads = 1;   // of each session
  int waiting = 16;  // places beside those of the sessions
  int batch = 0;     // recordings of one length that run together at most
  double chunk_seconds = 30, overlap_seconds = 4;

  int places() const { return sessions + waiting; }
  // Of the queue's sessions and of streams.
  sunder_session_params session_params() const;
};

// A recording on its way. All but `mixture` is for whoever has seen WorkQueue::wait return true.
struct Job {
  std::shared_ptr<void> place;  // kept as long as anybody holds the job
  Sound mixture;
  sunder_status status = SUNDER_OK;
  std::string message;            // where the status is another
  std::vector<float> estimates;   // as the mixture's samples, one channel for each source
  double waited = 0, worked = 0;  // seconds
  int together = 1;               // recordings in its batch

 private:
  friend class WorkQueue;
  enum class State { waiting, running, done } state = State::waiting;
  std::atomic<bool> cancelled = false;
  Clock::time_point submitted{};
};

class WorkQueue {
 public:
  // Makes the sessions. Throws Error.
  WorkQueue(sunder_model* model, const QueueOptions& options);
  // Cancels what is left.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // A place for one request from its first byte to the end of its answer, which bounds memory; null where all are
  // taken.
  std::shared_ptr<void> enter();
  // Its recording comes to the end of the queue. Of those that wait when a session is free, some of one length and rate
  // run together: nothing waits for more to come.
  std::shared_ptr<Job> submit(std::shared_ptr<void> place, Sound mixture);
  // Waits for the result, at most until then; whether it is there.
  bool wait(const Job& job, Clock::time_point until);
  // Nobody wants it any more: it leaves the queue, or its session stops (once nobody wants any of its batch). True
  // where it had not begun.
  bool cancel(Job& job);

  struct Counts {
    int places = 0, waiting = 0, running = 0;
  };
  Counts counts() const;
  // When a place may be free again, by how long recordings took lately.
  int retry_after_seconds() const;
  // Whether a device failed, so that no session on it will work again.
  bool device_lost() const { return device_lost_; }

 private:
  struct Worker;

  void work(Worker& worker);
  bool take(Worker& worker);
  void separate(Worker& worker);
  void separate_one(Worker& worker, Job& job);
  bool separate_together(Worker& worker);

  const QueueOptions options_;
  const int sources_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_, done_;
  std::deque<std::shared_ptr<Job>> waiting_;
  int running_ = 0, idle_ = 0;  // recordings; workers
  double mean_work_ = 1;        // seconds of a recording
  bool ending_ = false;
  std::atomic<bool> device_lost_ = false;
  const std::shared_ptr<std::atomic<int>> places_ = std::make_shared<std::atomic<int>>(0);
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace sunder::serve
