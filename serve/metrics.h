// Counts for whoever runs the server, in Prometheus' text format.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "serve/request_record.h"

namespace sunder::serve {

// Counts of values up to bounds.
struct Histogram {
  static constexpr std::array bounds = {0.005, 0.01, 0.025, 0.05, 0.1,  0.25, 0.5,
                                        1.0,   2.5,  5.0,   10.0, 30.0, 60.0, 300.0};
  std::array<uint64_t, bounds.size() + 1> counts{};  // the last: above all bounds
  double sum = 0;

  void add(double value);
};

// What is so at the moment.
struct Gauges {
  int places = 0, most_places = 0, waiting = 0, running = 0, streams = 0;
  bool ready = false;
};

class Metrics {
 public:
  // A request that was answered. Its endpoint is one of a few names, so that clients cannot make up new series.
  void add(const RequestRecord& record);
  std::string text(const Gauges& gauges) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, uint64_t> requests_;  // by endpoint and status
  std::map<std::string, Histogram> latency_;                  // seconds, by endpoint
  Histogram real_time_factor_;
  double audio_seconds_ = 0, work_seconds_ = 0;
  uint64_t recordings_ = 0, recordings_together_ = 0, clipped_ = 0;
};

}  // namespace sunder::serve
