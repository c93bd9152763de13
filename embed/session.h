// What a sunder_session is: work memory, a stream on the model's device, and at most one recording under way.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "embed/buffers.h"
#include "embed/graphs.h"
#include "embed/model.h"
#include "nn/recording_stream.h"
#include "tensor/cuda/runtime.h"
#include "tensor/memory.h"

namespace sunder::embed {

// The model's network for one session: on the session's stream, and asked before each chunk whether to go on.
class SessionNetwork : public Separator {
 public:
  SessionNetwork(std::shared_ptr<const LoadedModel> model, const Arena& weights, Stream stream);

  // From now on passes are captured and replayed: estimates are overwritten by those of the next pass.
  void use_graphs(const Arena& work) { graphs_.emplace(work, parameters().values().stream()); }
  bool uses_graphs() const { return graphs_.has_value(); }
  // The network itself.
  const Separator& plain() const { return network(); }

  Variable forward(const Tensor& mixture) const override;
  int64_t sources() const override { return network().sources(); }
  int64_t microphones() const override { return network().microphones(); }
  int64_t shortest_input() const override { return network().shortest_input(); }
  std::map<std::string, std::string> metadata() const override { return network().metadata(); }
  const Parameters& parameters() const override { return network().parameters(); }
  const SpectralSeparator* spectral() const override { return network().spectral(); }

  std::atomic<bool> cancelled = false;

 private:
  const Separator& network() const { return copy_ ? *copy_ : *model_->separator; }

  std::shared_ptr<const LoadedModel> model_;
  std::unique_ptr<Separator> copy_;       // on CUDA
  mutable std::optional<Graphs> graphs_;  // on CUDA
};

// A recording whose samples come in one layout and go in another of the same rate.
struct Recording {
  RecordingStream stream;
  Layout in, out;
  int64_t pushed = 0;  // frames

  // Takes `frames` frames, block by block, and calls `after_block` behind each.
  void push(const void* samples, int64_t frames, const std::function<void()>& after_block);
  // Moves what is available, at most up to frame `frames`, to a buffer of so many frames from frame `begin` on. Returns
  // how many; adds the samples that were clipped to `clipped`.
  int64_t pull(void* samples, int64_t frames, int64_t begin, uint64_t& clipped);
};

}  // namespace sunder::embed

struct sunder_session {
  sunder_session(std::shared_ptr<const sunder::LoadedModel> of, const sunder_session_params& params);
  // Where all work is queued. The caller's stream serves for its order alone: what other threads queue on that one is
  // never captured.
  sunder::Stream stream() const { return own_stream.get(); }
  sunder::Stream given_stream() const { return {stream().device, params.cuda_stream}; }

  const sunder::embed::Guest guest;  // the first, so that it goes last
  // Everything below is for the thread that has set `busy`.
  std::atomic<bool> busy = false;
  const sunder_session_params params;
  const std::shared_ptr<const sunder::LoadedModel> model;
  const sunder::Chunks chunks;
  const sunder::cuda::OwnedStream own_stream;
  const sunder::Arena weights;  // where the network's copy is; without a limit
  sunder::embed::SessionNetwork network;
  const sunder::Arena work;                           // on CUDA its graphs are parts of it
  std::optional<sunder::embed::Recording> recording;  // of sunder_stream_begin
  uint64_t clipped = 0;
  std::string message;
};
