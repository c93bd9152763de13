// Work that comes again and again on one stream, with its inputs and results in the same tensors.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tensor/cuda/graph_size.h"
#include "tensor/memory.h"

namespace sunder::cuda {

// The first run is queued as it is (it makes the libraries' plans and finds out what memory is needed), the second one
// is captured into a graph, and from then on a run is one launch.
class Replay {
 public:
  // arena: serves the work alone. `graphs`: off is for callers without any.
  Replay(Stream stream, GraphUse graphs, const Arena& arena);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Queues `work`, which must be the same in every run. Throws what it throws, and DeviceError where a required graph
  // cannot be captured.
  void run(const std::function<void()>& work);

  // Zeros where nothing is captured (yet).
  GraphSize graph_size() const;
  // Why the work is launched although a graph was wanted; empty where it is not so.
  const std::string& not_captured() const { return not_captured_; }

 private:
  void capture(const std::function<void()>& work);

  const Stream stream_;
  const GraphUse graphs_;
  const Arena arena_;
  bool was_run_ = false;
  std::string not_captured_;
  std::unique_ptr<class Graph> graph_;  // goes before its memory
};

}  // namespace sunder::cuda
