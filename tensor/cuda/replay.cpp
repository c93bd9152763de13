#include "tensor/cuda/replay.h"

#include "tensor/cuda/graph.h"
#include "tensor/error.h"

namespace sunder::cuda {

Replay::Replay(Stream stream, GraphUse graphs, const Arena& arena) : stream_(stream), graphs_(graphs), arena_(arena) {}
Replay::~Replay() = default;

void Replay::run(const std::function<void()>& work) {
  if (graphs_ == GraphUse::off) return work();
  const Arena::Scope scope(arena_);
  if (!was_run_) {
    work();
    was_run_ = true;
    return;
  }
  if (!graph_ && not_captured_.empty()) capture(work);
  if (graph_) graph_->launch();
  else work();
}

void Replay::capture(const std::function<void()>& work) {
  try {
    graph_ = std::make_unique<Graph>(stream_, work);
  } catch (const DeviceLost&) {
    throw;
  } catch (const DeviceError& error) {
    if (graphs_ == GraphUse::required) throw;
    not_captured_ = error.what();
  }
}

GraphSize Replay::graph_size() const { return graph_ ? graph_->size() : GraphSize{}; }

}  // namespace sunder::cuda
