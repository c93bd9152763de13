// Work that is done over and over on one stream with other inputs each time, while the host never waits for it: inputs
// go up through pinned memory, results come down through it and are read when they have arrived.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tensor/cuda/replay.h"
#include "tensor/tensor.h"

namespace sunder::cuda {

class Pipeline {
 public:
  // Queues the work; inputs: on the device, always the same tensors for the same key and shapes.
  using Work = std::function<void(const std::vector<Tensor>& inputs)>;
  // How many runs may be under way; the next one waits for the oldest.
  static constexpr size_t depth = 4;

  // Runs of one key are a Replay.
  Pipeline(Stream stream, GraphUse graphs);
  ~Pipeline();  // waits

  // Copies `inputs` (host tensors) to the device, does the work and copies `result` (float64, kept by the caller, of
  // the same size in every run) back. Another key or other shapes than before: the graph is made anew. Throws what
  // `work` throws, and DeviceError where a required graph cannot be captured.
  void run(uint64_t key, const std::vector<Tensor>& inputs, const Work& work, const Tensor& result);
  // The results that have arrived, oldest first, each once. `wait`: all that are under way.
  std::vector<std::vector<double>> arrived(bool wait);

  // Of the present graph; zeros where nothing is captured (yet).
  GraphSize graph_size() const;
  // Why the present key's work is launched although a graph was wanted; empty where it is not so.
  const std::string& not_captured() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sunder::cuda
