// Batches of training segments, prepared by background threads so that the training loop does not wait.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audio/sets/batch.h"

namespace sunder {

struct LoaderOptions {
  int64_t batch = 128;
  double segment_seconds = 0;         // 0: whole items, which must have one length
  std::string crop = "whole-second";  // segments start on whole seconds (the authors' code) or on "any" sample
  bool with_references = false;       // if false, no clean source leaves the loader
  uint64_t seed = 0;
  int threads = 1;
  DType dtype = DType::float32;
};

class Loader {
 public:
  // Throws InputError if the items differ in length and segment_seconds is 0, or are fewer than one batch.
  Loader(MixtureSet set, const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  int64_t size() const { return set_.size(); }  // items
  int64_t segment_samples() const { return length_; }
  int64_t batches_per_epoch() const { return set_.size() / options_.batch; }
  // Starts an epoch's random order at batch `first`. A batch depends on the seed, the epoch and its number only, not on
  // threads or earlier batches.
  void start_epoch(int64_t epoch, int64_t first = 0);
  // The next batch, or false at the end of the epoch (an incomplete last batch is dropped). Rethrows what loading one
  // of its items threw.
  bool next(Batch& batch);

  double seconds_waited() const { return seconds_waited_; }  // by next(), since the loader was made

 private:
  struct Prepared {
    Batch batch;
    std::exception_ptr failure;  // rethrown by the next() for this batch, so that runs fail at the same step
  };

  Batch make(int64_t epoch, int64_t number, const std::vector<int64_t>& order) const;
  void work();
  void start(int threads);
  void stop();

  MixtureSet set_;
  LoaderOptions options_;
  int64_t length_ = 0;  // samples of a segment
  std::vector<std::thread> threads_;
  double seconds_waited_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  int64_t epoch_ = 0, wanted_ = 0, claimed_ = 0;  // the batch next() returns next, the batch a thread takes next
  std::vector<int64_t> order_;
  std::map<int64_t, Prepared> ready_;
};

}  // namespace sunder
