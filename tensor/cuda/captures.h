// What of the libraries' handles and plans the graphs point at.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

namespace sunder::cuda {

// Of the graph that this thread is capturing, as long as the graph lives; null where it captures none. Set by Graph.
const std::shared_ptr<const void>* captured_graph();

// The graphs that use an entry of a cache.
class Captures {
 public:
  // The one that this thread is capturing, if any.
  void add() {
    const std::shared_ptr<const void>* graph = captured_graph();
    if (!graph) return;
    std::erase_if(graphs_, [&](const auto& other) { return other.expired() || other.lock() == *graph; });
    graphs_.push_back(*graph);
  }
  bool any() const {
    return std::any_of(graphs_.begin(), graphs_.end(), [](const auto& graph) { return !graph.expired(); });
  }

 private:
  std::vector<std::weak_ptr<const void>> graphs_;
};

}  // namespace sunder::cuda
