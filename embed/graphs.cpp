#include "embed/graphs.h"

#include <algorithm>
#include <utility>

#include "tensor/cuda/runtime.h"
#include "tensor/error.h"

namespace sunder::embed {

Graphs::Graphs(const Arena& memory, Stream stream) : memory_(memory), stream_(stream) {
  memory_.on_shortage([this] { give_up(); });
}

Graphs::~Graphs() {
  memory_.on_shortage({});
  try {
    cuda::synchronize(stream_);  // one of them may be running
  } catch (const Error&) {       // a lost device runs nothing
  }
}

Tensor Graphs::forward(const Tensor& mixture, const Network& network) {
  Entry& entry = entry_of(mixture.shape());
  if (!std::exchange(entry.came_before, true) || entry.never) return network(mixture);
  try {
    running_ = &entry;
    if (!entry.replay) begin(entry, mixture);
    entry.input.copy_from(mixture);
    entry.replay->run([&] {
      entry.output = {};  // so that the captured pass finds its block
      entry.output = network(entry.input);
    });
    running_ = nullptr;
    return entry.output;
  } catch (const OutOfMemory&) {
    running_ = nullptr;
    end(entry);
    entry.never = true;
  } catch (...) {
    running_ = nullptr;
    throw;
  }
  return network(mixture);
}

size_t Graphs::captured() const {
  return static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.replay && entry.replay->graph_size().total() > 0;
  }));
}

Graphs::Entry& Graphs::entry_of(const Shape& shape) {
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->shape != shape) continue;
    entries_.splice(entries_.begin(), entries_, entry);
    return entries_.front();
  }
  if (entries_.size() == most) {
    end(entries_.back());
    entries_.pop_back();
  }
  entries_.emplace_front().shape = shape;
  return entries_.front();
}

void Graphs::begin(Entry& entry, const Tensor& mixture) {
  memory_.trim();  // of the pass that will not come here again
  const Arena part = memory_.part();
  const Arena::Scope scope(part);
  entry.input = Tensor::empty_like(mixture);
  entry.replay.emplace(stream_, cuda::GraphUse::where_possible, part);
}

void Graphs::end(Entry& entry) {
  if (!entry.replay && !entry.input.defined()) return;
  cuda::synchronize(stream_);  // it may be running
  entry.replay.reset();
  entry.input = entry.output = {};
}

// Those that had to go do not come back while they are remembered: two of them could take turns.
void Graphs::give_up() {
  for (Entry& entry : entries_) {
    if (&entry == running_ || !entry.replay) continue;
    end(entry);
    entry.never = true;
  }
}

}  // namespace sunder::embed
