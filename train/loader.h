// Batches of training segments, prepared by background threads so that the training loop does not wait.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audio/sets/batch.h"

namespace sunder {

struct LoaderOptions {
  int64_t batch = 128;
  int rank = 0, ranks = 1;       // a batch is that share of the whole one which this rank computes (Batch::share)
  bool whole_batches = false;    // its tensors hold all items nevertheless
  double segment_seconds = 0;    // 0: whole items, which must have one length
  Crop crop{};                   // "active" judges by judged_signals (audio/sets/batch.h)
  bool with_references = false;  // if false, no clean source leaves the loader
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

  // A sentence on segments without sound among those that next() has given, once there are 1, 10, 100, ... of them;
  // else empty.
  std::string news();

  // Share of active segments among those that next() has given since the last call; NaN without the crop "active".
  double active_share();
  double seconds_waited() const { return seconds_waited_; }  // by next(), since the loader was made

 private:
  struct Faint {
    std::string id;
    double level_db;  // of the first channel
    bool silent;      // all zero
  };
  struct Prepared {
    Batch batch;
    std::vector<Faint> faint;
    int64_t active = 0;          // segments
    std::exception_ptr failure;  // rethrown by the next() for this batch, so that runs fail at the same step
  };

  BatchShare share() const;
  void make(int64_t epoch, int64_t number, const std::vector<int64_t>& order, Prepared& prepared) const;
  void work();
  void start(int threads);
  void prepare_batches();
  void stop();

  MixtureSet set_;
  LoaderOptions options_;
  int64_t length_ = 0;  // samples of a segment
  std::vector<std::thread> threads_;
  double seconds_waited_ = 0;
  // Of the segments that next() has given.
  int64_t segments_ = 0, silent_ = 0, constant_ = 0, faint_ = 0;
  int64_t recent_ = 0, active_ = 0;  // since active_share()
  double loudest_faint_db_ = -std::numeric_limits<double>::infinity();
  std::string first_faint_;
  int64_t news_due_ = 1;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  int64_t epoch_ = 0, wanted_ = 0, claimed_ = 0;  // the batch next() returns next, the batch a thread takes next
  std::vector<int64_t> order_;
  std::map<int64_t, Prepared> ready_;
  std::exception_ptr failure_;  // of a thread, apart from its batches
};

}  // namespace sunder
