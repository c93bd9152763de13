// The metrics, timed: seconds for a minute of two-speaker audio. bench/metrics_twin.py prints the same fields for the
// Python packages, on the same signals.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sunder {

struct MetricsBenchmark {
  std::vector<std::string> speech;  // files; each two of one rate make an item. None: 15 items of 4 s of noise
  int sample_rate = 8000;           // Hz; files of other rates are left out
  int threads = 1;                  // items side by side
  int64_t repeats = 5;
};

// Metrics: si_sdr, sdr, sdr_sir_sar (each of both outputs with both sources), stoi, estoi, stoi_estoi (each output with
// its source).
const std::vector<std::string>& timed_metrics();

// One JSON line: median of `repeats` runs over all items after one that does not count, reading files left out. Throws
// UsageError where fewer than two files have the rate and at least a second.
std::string run(const MetricsBenchmark& benchmark, const std::string& metric);

}  // namespace sunder
