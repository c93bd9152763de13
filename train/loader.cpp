#include "train/loader.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <system_error>
#include <utility>

#include "audio/mixing.h"
#include "audio/silence.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace sunder {
namespace {

constexpr int64_t batches_ahead = 4;

int64_t segment_length(const MixtureSet& set, const LoaderOptions& options) {
  if (options.segment_seconds > 0) return std::llround(options.segment_seconds * set.sample_rate());
  const int64_t length = set.length(0);
  for (int64_t i = 1; i < set.size(); ++i)
    if (set.length(i) != length)
      throw_error<InputError>(
          "{}: expected {} samples as in {}, found {}; set data.segment_seconds to train on segments", set.id(i),
          length, set.id(0), set.length(i));
  return length;
}

}  // namespace

Loader::Loader(MixtureSet set, const LoaderOptions& options)
    : set_(std::move(set)), options_(options), length_(segment_length(set_, options)) {
  if (batches_per_epoch() < 1)
    throw_error<InputError>("the training set has {} mixtures: expected at least one batch of {}", set_.size(),
                            options.batch);
  start(std::max(1, options.threads));
}

// The order of batches does not depend on the threads: where the system gives fewer, they do.
void Loader::start(int threads) {
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& error) {
    if (threads_.empty()) throw OutOfMemory(fmt::format("no thread can be started to load data: {}", error.what()), 0);
  }
}

Loader::~Loader() { stop(); }

void Loader::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Loader::start_epoch(int64_t epoch, int64_t first) {
  std::lock_guard lock(mutex_);
  order_ = Random(options_.seed, RandomUse::shuffle, static_cast<uint32_t>(epoch)).permutation(set_.size());
  epoch_ = epoch;
  wanted_ = claimed_ = first;
  ready_.clear();
  changed_.notify_all();
}

BatchShare Loader::share() const {
  const int64_t count = options_.batch / options_.ranks;
  return {options_.rank * count, count, options_.batch};
}

void Loader::make(int64_t epoch, int64_t number, const std::vector<int64_t>& order, Prepared& prepared) const {
  std::vector<Segment> segments;
  const BatchShare own = share();
  const int64_t first = options_.whole_batches ? 0 : own.first, count = options_.whole_batches ? own.of : own.count;
  for (int64_t b = first; b < first + count; ++b) {
    const int64_t index = order[number * options_.batch + b];
    Mixture item = set_.draw(index, epoch);
    const Tensor judged = judged_signals(item, options_.with_references);
    Segment segment = cut_segment(std::move(item), judged, length_, options_.crop, options_.seed, epoch, index);
    const int64_t length = segment.item.length();
    const auto heard = std::span(segment.item.mixture.data<float>(), static_cast<size_t>(length))
                           .subspan(segment.start, std::min(length - segment.start, length_));
    if (const double level = level_db(heard); level < faint_db)
      prepared.faint.push_back({segment.item.id, level, is_silent(heard)});
    prepared.active += segment.active;
    segments.push_back(std::move(segment));
  }
  prepared.batch = make_batch(segments, length_, options_.with_references, options_.dtype);
  prepared.batch.of_whole = own;
}

// Memory may run out anywhere: nothing may leave a thread.
void Loader::work() {
  try {
    prepare_batches();
  } catch (...) {
    std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    changed_.notify_all();
  }
}

void Loader::prepare_batches() {
  work_alone();
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] {
      return stopping_ || (!order_.empty() && claimed_ < batches_per_epoch() && claimed_ < wanted_ + batches_ahead);
    });
    if (stopping_) return;
    const int64_t epoch = epoch_, number = claimed_++;
    const std::vector<int64_t> order = order_;
    lock.unlock();
    Prepared prepared;
    try {
      make(epoch, number, order, prepared);
    } catch (...) {
      prepared.failure = std::current_exception();
    }
    lock.lock();
    if (epoch == epoch_ && number >= wanted_) ready_[number] = std::move(prepared);
    changed_.notify_all();
  }
}

bool Loader::next(Batch& batch) {
  std::unique_lock lock(mutex_);
  if (wanted_ >= batches_per_epoch()) return false;
  const auto begin = std::chrono::steady_clock::now();
  changed_.wait(lock, [this] { return failure_ || ready_.contains(wanted_); });
  if (failure_) std::rethrow_exception(failure_);
  seconds_waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const Prepared prepared = std::move(ready_.extract(wanted_).mapped());
  ++wanted_;
  changed_.notify_all();
  if (prepared.failure) std::rethrow_exception(prepared.failure);
  batch = prepared.batch;
  segments_ += batch.mixtures.size(0);
  recent_ += batch.mixtures.size(0);
  active_ += prepared.active;
  for (const Faint& segment : prepared.faint) {
    if (silent_ + constant_ + faint_ == 0) first_faint_ = segment.id;
    ++(segment.silent ? silent_ : std::isinf(segment.level_db) ? constant_ : faint_);
    loudest_faint_db_ = std::max(loudest_faint_db_, segment.level_db);
  }
  return true;
}

double Loader::active_share() {
  const auto active = static_cast<double>(std::exchange(active_, 0)),
             count = static_cast<double>(std::exchange(recent_, 0));
  return options_.crop.rule == "active" && count > 0 ? active / count : NAN;
}

std::string Loader::news() {
  const int64_t count = silent_ + constant_ + faint_;
  if (count < news_due_) return "";
  while (news_due_ <= count) news_due_ *= 10;
  std::vector<std::string> kinds;
  if (silent_ > 0) kinds.push_back(fmt::format("{} silent", silent_));
  if (constant_ > 0) kinds.push_back(fmt::format("{} constant", constant_));
  if (faint_ > 0)
    kinds.push_back(
        fmt::format("{} below {} dB of full scale, the loudest at {:.1f} dB", faint_, faint_db, loudest_faint_db_));
  return fmt::format("{} of {} training segments so far hold nothing to learn from: {} (first in {})", count, segments_,
                     fmt::join(kinds, ", "), first_faint_);
}

}  // namespace sunder
