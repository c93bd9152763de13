// Batches of training segments, prepared by threads of their own so that the trainer does not wait.
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
  bool with_references = false;       // without it no clean source leaves the loader
  uint64_t seed = 0;
  int threads = 1;
  DType dtype = DType::float32;
};

class Loader {
 public:
  // Throws InputError if the items are of several lengths and segment_seconds is 0, or fewer than one batch.
  Loader(MixtureSet set, const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  int64_t size() const { return set_.size(); }  // items
  int64_t segment_samples() const { return length_; }
  int64_t batches_per_epoch() const { return set_.size() / options_.batch; }
  // Begins an epoch's random order, from batch `first` on. What a batch holds depends on seed, epoch and its number
  // alone, not on threads or on what came before.
  void start_epoch(int64_t epoch, int64_t first = 0);
  // The next batch, or false at the end of the epoch (a last batch that is not full is dropped). Throws what loading
  // one of its items threw.
  bool next(Batch& batch);

  double seconds_waited() const { return seconds_waited_; }  // by next(), since the loader was made

 private:
  struct Prepared {
    Batch batch;
    std::exception_ptr failure;  // thrown by the next() that wants this batch, so that runs fail at the same step
  };

  Batch make(int64_t epoch, int64_t number, const std::vector<int64_t>& order) const;
  void work();
  void stop();

  MixtureSet set_;
  LoaderOptions options_;
  int64_t length_ = 0;  // samples of a segment
  std::vector<std::thread> threads_;
  double seconds_waited_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  int64_t epoch_ = 0, wanted_ = 0, claimed_ = 0;  // the number next() wants, the number a thread takes next
  std::vector<int64_t> order_;
  std::map<int64_t, Prepared> ready_;
};

}  // namespace sunder
