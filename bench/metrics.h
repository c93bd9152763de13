// Times the metrics: seconds for a minute of two-speaker audio. bench/metrics_twin.py prints the same fields for the
// Python packages on the same signals.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sunder {

struct MetricsBenchmark {
  std::vector<std::string> speech;  // files, every two of them an item; none: 15 items of 4 s of noise
  int sample_rate = 8000;           // Hz; files of other rates are ignored
  int threads = 1;                  // that share the items
  int64_t repeats = 5;
};

// si_sdr, sdr, sdr_sir_sar (both outputs with both sources), stoi, estoi, stoi_estoi (each output with its source).
std::vector<std::string> timed_metrics();

// One JSON line: the median of `repeats` runs over all items after one warm-up; reading files is not timed. Throws
// UsageError if fewer than two files have the rate and at least a second.
std::string run(const MetricsBenchmark& benchmark, const std::string& metric);

}  // namespace sunder
