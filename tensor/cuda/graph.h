// Work of one stream, captured once and launched as a whole.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <memory>

#include "tensor/cuda/graph_size.h"
#include "tensor/device.h"

namespace sunder::cuda {

class Graph {
 public:
  // Records what `work` queues on `stream`, which must not be the default stream (OwnedStream), instead of running it.
  // Throws what `work` throws, and DeviceError where it waits for the device or allocates from it.
  Graph(Stream stream, const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Queues the whole graph. Its memory (Arena), library handles and inputs must still be at the same addresses.
  void launch() const;
  const GraphSize& size() const { return size_; }

 private:
  Stream stream_;
  std::shared_ptr<const void> alive_;  // for what it uses (tensor/cuda/captures.h)
  cudaGraphExec_t executable_ = nullptr;
  GraphSize size_;
};

}  // namespace sunder::cuda
