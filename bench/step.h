// Times whole training steps: forward (twice for MixCycle), loss, backward, clipping, Adam. The PyTorch benchmarks of
// the same work print the same fields.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sunder {

struct StepBenchmark {
  std::string model = "stft-conv-tasnet", method = "mixcycle", device = "cpu", precision = "fp32";
  std::string mode = "eager";  // or "graph", on CUDA: the whole step captured
  std::string size = "paper";  // of a tf-gridnet; or "small", as in the PyTorch benchmark
  int64_t mics = 6;            // far-field microphones of a tf-gridnet
  int64_t batch = 8;           // network inputs
  double seconds = 1;          // of 8 kHz signals
  int64_t repeats = 10, warmup = 3;
  std::vector<std::string> settings{};  // key=value of a recipe
};

// One JSON line: the median step in ms with its range, inputs per second, peak memory, allocations during timing, the
// size of the graph. A graph is captured in the second step: warmup >= 2 excludes that from the times.
std::string run(const StepBenchmark& benchmark);

}  // namespace sunder
