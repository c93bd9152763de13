// A CUDA session's forward passes as graphs: those of a shape that comes again are captured and replayed.
#pragma once

#include <functional>
#include <list>
#include <optional>

#include "tensor/cuda/replay.h"
#include "tensor/tensor.h"

namespace sunder::embed {

class Graphs {
 public:
  using Network = std::function<Tensor(const Tensor& mixture)>;
  // Shapes that are remembered. One that comes again while it is has memory of its own for as long.
  static constexpr size_t most = 4;

  // memory: what the network's first pass of a shape takes memory from. Graphs are parts of it, and give way where an
  // allocation in it would fail.
  explicit Graphs(const Arena& memory, Stream stream);
  ~Graphs();
  Graphs(const Graphs&) = delete;
  Graphs& operator=(const Graphs&) = delete;

  // network(mixture), on the stream. The result is overwritten by the next call.
  Tensor forward(const Tensor& mixture, const Network& network);

  size_t captured() const;  // graphs

 private:
  struct Entry {
    Shape shape;
    bool came_before = false;
    bool never = false;  // there was no memory for it
    Tensor input, output;
    std::optional<cuda::Replay> replay;  // goes first
  };

  Entry& entry_of(const Shape& shape);
  void begin(Entry& entry, const Tensor& mixture);
  void end(Entry& entry);
  void give_up();

  const Arena memory_;
  const Stream stream_;
  std::list<Entry> entries_;  // the most recently used first
  const Entry* running_ = nullptr;
};

}  // namespace sunder::embed
