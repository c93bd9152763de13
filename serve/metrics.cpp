#include "serve/metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "embed/sunder.h"

namespace sunder::serve {
namespace {

void describe(std::string& text, const char* name, const char* type, const char* help) {
  text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

template <class T>
void single(std::string& text, const char* name, const char* type, const char* help, T value) {
  describe(text, name, type, help);
  text += fmt::format("{} {}\n", name, value);
}

// `labels`: "" or "key=\"value\",".
void histogram(std::string& text, const char* name, const std::string& labels, const Histogram& values) {
  uint64_t below = 0;
  for (size_t i = 0; i < Histogram::bounds.size(); ++i)
    text += fmt::format("{}_bucket{{{}le=\"{}\"}} {}\n", name, labels, Histogram::bounds[i], below += values.counts[i]);
  below += values.counts.back();
  const std::string alone = labels.empty() ? "" : fmt::format("{{{}}}", labels.substr(0, labels.size() - 1));
  text += fmt::format("{}_bucket{{{}le=\"+Inf\"}} {}\n{}_sum{} {}\n{}_count{} {}\n", name, labels, below, name, alone,
                      values.sum, name, alone, below);
}

int64_t resident_bytes() {
  int64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

void Histogram::add(double value) {
  ++counts[static_cast<size_t>(std::ranges::lower_bound(bounds, value) - bounds.begin())];
  sum += value;
}

void Metrics::add(const RequestRecord& record) {
  const std::lock_guard lock(mutex_);
  ++requests_[{record.endpoint, record.status}];
  latency_[record.endpoint].add(record.seconds);
  clipped_ += record.clipped;
  if (!(record.audio_seconds > 0) || record.status != 200) return;
  audio_seconds_ += record.audio_seconds;
  work_seconds_ += record.worked;
  real_time_factor_.add(record.worked / record.audio_seconds);
  ++recordings_;
  if (record.together > 1) ++recordings_together_;
}

std::string Metrics::text(const Gauges& gauges) const {
  std::string text;
  describe(text, "sunder_build_info", "gauge", "The version; always 1.");
  text += fmt::format("sunder_build_info{{version=\"{}\"}} 1\n", sunder_version());
  single(text, "sunder_ready", "gauge", "1 where new requests are taken.", gauges.ready ? 1 : 0);
  single(text, "sunder_places_taken", "gauge", "Requests that are read, wait, are worked on or are answered.",
         gauges.places);
  single(text, "sunder_places", "gauge", "As many of these as there may be; further ones get 429.", gauges.most_places);
  single(text, "sunder_queue_length", "gauge", "Recordings that wait for a session.", gauges.waiting);
  single(text, "sunder_in_flight", "gauge", "Recordings that are being separated.", gauges.running);
  single(text, "sunder_streams", "gauge", "Streams that are open.", gauges.streams);
  single(text, "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes());
  const std::lock_guard lock(mutex_);
  describe(text, "sunder_requests_total", "counter", "Requests that were answered.");
  for (const auto& [key, count] : requests_)
    text += fmt::format("sunder_requests_total{{endpoint=\"{}\",status=\"{}\"}} {}\n", key.first, key.second, count);
  describe(text, "sunder_request_seconds", "histogram", "From a request's first byte to the end of its answer.");
  for (const auto& [endpoint, values] : latency_)
    histogram(text, "sunder_request_seconds", fmt::format("endpoint=\"{}\",", endpoint), values);
  describe(text, "sunder_real_time_factor", "histogram", "Time of separating a recording over its length.");
  histogram(text, "sunder_real_time_factor", "", real_time_factor_);
  single(text, "sunder_audio_seconds_total", "counter", "Length of what was separated.", audio_seconds_);
  single(text, "sunder_work_seconds_total", "counter", "Time that separating it took.", work_seconds_);
  single(text, "sunder_recordings_total", "counter", "Recordings and streams that were separated.", recordings_);
  single(text, "sunder_recordings_together_total", "counter", "Of these, those that ran in batches.",
         recordings_together_);
  single(text, "sunder_clipped_samples_total", "counter", "Samples beyond full scale, in answers of 16 bits.",
         clipped_);
  return text;
}

}  // namespace sunder::serve
