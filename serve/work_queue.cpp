#include "serve/work_queue.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "tensor/error.h"

namespace sunder::serve {
namespace {

sunder_audio audio_of(std::vector<float>& samples, int channels, const Sound& mixture) {
  sunder_audio audio = SUNDER_AUDIO_INIT;
  audio.samples = samples.data();
  audio.frames = mixture.frames;
  audio.channels = channels;
  audio.sample_rate = mixture.sample_rate;
  return audio;
}

}  // namespace

sunder_session_params QueueOptions::session_params() const {
  sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
  params.threads = threads;
  params.chunk_seconds = chunk_seconds;
  params.overlap_seconds = overlap_seconds;
  return params;
}

struct WorkQueue::Worker {
  Session session;
  std::vector<std::shared_ptr<Job>> jobs;  // in hand; changed under the queue's mutex
  std::thread thread;

  // Asked between blocks and chunks.
  static int stop(void* self, int64_t, int64_t) {
    const auto& jobs = static_cast<Worker*>(self)->jobs;
    return std::ranges::all_of(jobs, [](const auto& job) { return job->cancelled.load(); }) ? 1 : 0;
  }
};

WorkQueue::WorkQueue(sunder_model* model, const QueueOptions& options)
    : options_(options), sources_(sunder_model_sources(model)) {
  for (int i = 0; i < options.sessions; ++i) {
    auto worker = std::make_unique<Worker>();
    sunder_session_params params = options.session_params();
    params.progress = Worker::stop;
    params.progress_user = worker.get();
    worker->session = create_session(model, params);
    workers_.push_back(std::move(worker));
  }
  for (const auto& worker : workers_) worker->thread = std::thread([this, &worker = *worker] { work(worker); });
}

WorkQueue::~WorkQueue() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    waiting_.clear();
    for (const auto& worker : workers_) {
      for (const auto& job : worker->jobs) job->cancelled = true;
      if (!worker->jobs.empty()) sunder_cancel(worker->session.get());
    }
  }
  arrived_.notify_all();
  for (const auto& worker : workers_) worker->thread.join();
}

std::shared_ptr<void> WorkQueue::enter() {
  int taken = places_->load();
  do {
    if (taken >= options_.places()) return nullptr;
  } while (!places_->compare_exchange_weak(taken, taken + 1));
  return std::shared_ptr<void>(places_.get(), [places = places_](void*) { --*places; });
}

std::shared_ptr<Job> WorkQueue::submit(std::shared_ptr<void> place, Sound mixture) {
  auto job = std::make_shared<Job>();
  job->place = std::move(place);
  job->mixture = std::move(mixture);
  job->submitted = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(job);
  }
  arrived_.notify_one();
  return job;
}

bool WorkQueue::wait(const Job& job, Clock::time_point until) {
  std::unique_lock lock(mutex_);
  return done_.wait_until(lock, until, [&] { return job.state == Job::State::done; });
}

bool WorkQueue::cancel(Job& job) {
  const std::lock_guard lock(mutex_);
  job.cancelled = true;
  if (const auto at = std::ranges::find(waiting_, &job, [](const auto& other) { return other.get(); });
      at != waiting_.end()) {
    waiting_.erase(at);
    return true;
  }
  for (const auto& worker : workers_)
    if (std::ranges::any_of(worker->jobs, [&](const auto& other) { return other.get() == &job; }) &&
        Worker::stop(worker.get(), 0, 0) != 0)
      sunder_cancel(worker->session.get());
  return false;
}

WorkQueue::Counts WorkQueue::counts() const {
  const std::lock_guard lock(mutex_);
  return {*places_, static_cast<int>(waiting_.size()), running_};
}

int WorkQueue::retry_after_seconds() const {
  const std::lock_guard lock(mutex_);
  const double all = mean_work_ * static_cast<double>(waiting_.size() + 1) / options_.sessions;
  return static_cast<int>(std::clamp(std::ceil(all), 1.0, 60.0));
}

void WorkQueue::work(Worker& worker) {
  while (take(worker)) {
    const Clock::time_point begin = Clock::now();
    separate(worker);
    const double seconds = seconds_since(begin);
    {
      const std::lock_guard lock(mutex_);
      const auto count = static_cast<int>(worker.jobs.size());
      for (const auto& job : worker.jobs) {
        job->worked = seconds / count;
        job->together = count;
        job->state = Job::State::done;
      }
      running_ -= count;
      mean_work_ += 0.1 * (seconds / count - mean_work_);
      worker.jobs.clear();
    }
    done_.notify_all();
  }
}

// Waits for recordings that the worker is to separate next; false at the end.
bool WorkQueue::take(Worker& worker) {
  std::unique_lock lock(mutex_);
  ++idle_;
  arrived_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
  const int others = --idle_;
  if (ending_) return false;
  const Sound& first = waiting_.front()->mixture;
  // Longer ones would run one after another all the same; and what idle sessions can do is left to them.
  const bool fits = first.seconds() <= options_.chunk_seconds;
  const auto share = (static_cast<int>(waiting_.size()) + others) / (others + 1);
  const int most = fits ? std::clamp(share, 1, std::max(options_.batch, 1)) : 1;
  const int64_t frames = first.frames;
  const int rate = first.sample_rate;
  for (auto at = waiting_.begin(); at != waiting_.end() && static_cast<int>(worker.jobs.size()) < most;) {
    Job& job = **at;
    if (job.mixture.frames != frames || job.mixture.sample_rate != rate) {
      ++at;
      continue;
    }
    job.state = Job::State::running;
    job.waited = seconds_since(job.submitted);
    worker.jobs.push_back(*at);
    at = waiting_.erase(at);
  }
  running_ += static_cast<int>(worker.jobs.size());
  return true;
}

void WorkQueue::separate(Worker& worker) {
  if (worker.jobs.size() > 1 && separate_together(worker)) return;
  for (const auto& job : worker.jobs) separate_one(worker, *job);
}

void WorkQueue::separate_one(Worker& worker, Job& job) {
  try {
    job.estimates.resize(static_cast<size_t>(job.mixture.frames) * sources_);
    const sunder_audio mixture = audio_of(job.mixture.samples, job.mixture.channels, job.mixture);
    const sunder_audio estimates = audio_of(job.estimates, sources_, job.mixture);
    job.status = job.cancelled ? SUNDER_CANCELLED : sunder_separate(worker.session.get(), &mixture, &estimates);
    if (job.status != SUNDER_OK) job.message = sunder_session_error(worker.session.get());
    if (job.status == SUNDER_DEVICE_LOST) device_lost_ = true;
  } catch (const std::bad_alloc&) {
    job.status = SUNDER_OUT_OF_MEMORY;
  }
}

// False where that fails: one recording of many may be the reason, and each alone takes less memory.
bool WorkQueue::separate_together(Worker& worker) try {
  std::vector<sunder_audio> mixtures, estimates;
  for (const auto& job : worker.jobs) {
    job->estimates.resize(static_cast<size_t>(job->mixture.frames) * sources_);
    mixtures.push_back(audio_of(job->mixture.samples, job->mixture.channels, job->mixture));
    estimates.push_back(audio_of(job->estimates, sources_, job->mixture));
  }
  return sunder_separate_batch(worker.session.get(), mixtures.size(), mixtures.data(), estimates.data()) == SUNDER_OK;
} catch (const std::bad_alloc&) {
  return false;
}

}  // namespace sunder::serve
