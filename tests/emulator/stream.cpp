#include "tests/emulator/stream.h"

#include <map>

#include "tests/emulator/device.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/handles.h"

namespace sunder::emulator {
namespace {

std::map<CUstream_st*, std::shared_ptr<CUstream_st>>& streams() {
  static auto* all = new std::map<CUstream_st*, std::shared_ptr<CUstream_st>>;
  return *all;
}

std::shared_ptr<CUstream_st> default_stream(int device) {
  static auto* all = new std::map<int, std::shared_ptr<CUstream_st>>;
  auto& stream = (*all)[device];
  if (!stream) {
    stream = std::make_shared<CUstream_st>();
    stream->device = device;
  }
  return stream;
}

Mark tail(const std::shared_ptr<CUstream_st>& stream) { return {stream, stream->queued, {}}; }

// The default stream runs after all that was queued on blocking streams, and they run after it.
std::vector<Mark> implied_order(CUstream_st& stream) {
  const auto standard = default_stream(stream.device);
  if (&stream != standard.get()) return stream.blocking ? std::vector{tail(standard)} : std::vector<Mark>{};
  std::vector<Mark> before;
  for (const auto& [handle, other] : streams())
    if (other->device == stream.device && other->blocking) before.push_back(tail(other));
  return before;
}

bool someone_captures_globally() {
  for (const auto& [handle, stream] : streams())
    if (stream->capture && stream->capture->mode != cudaStreamCaptureModeRelaxed) return true;
  return false;
}

}  // namespace

std::shared_ptr<CUstream_st> stream_of(cudaStream_t handle) {
  if (!handle) return default_stream(current_device());
  handles::check("stream", handle);
  return streams().at(handle);
}

cudaStream_t make_stream(int device, bool blocking) {
  auto stream = std::make_shared<CUstream_st>();
  stream->device = device;
  stream->blocking = blocking;
  handles::add("stream", stream.get());
  return (streams()[stream.get()] = stream).get();
}

void destroy_stream(cudaStream_t handle) {
  finish(*stream_of(handle));
  handles::remove("stream", handle);
  streams().erase(handle);
}

cudaError_t queue(cudaStream_t handle, Work work, std::vector<Mark> after) {
  const auto stream = stream_of(handle);
  if (stream->capture) {
    if (!stream->capture->valid) return cudaErrorStreamCaptureInvalidated;
    stream->capture->nodes.push_back(std::move(work));
    ++stream->capture->recorded[stream.get()];
    return cudaSuccess;
  }
  if (!handle && someone_captures_globally()) {
    refuse_in_capture();
    return cudaErrorStreamCaptureImplicit;
  }
  for (Mark& mark : implied_order(*stream)) after.push_back(std::move(mark));
  stream->pending.emplace_back(std::move(work), std::move(after));
  ++stream->queued;
  if (!settings().delay) finish(*stream);
  return cudaSuccess;
}

bool advance(CUstream_st& stream) {
  if (stream.pending.empty()) return false;
  const auto [work, order] = std::move(stream.pending.front());
  stream.pending.pop_front();
  for (const Mark& mark : order) finish(mark);
  struct Done {  // also where the work fails, so that it does not fail again
    CUstream_st& stream;
    ~Done() { ++stream.finished; }
  } done{stream};
  if (work.run) work.run();
  return true;
}

void finish(CUstream_st& stream, uint64_t ticket) {
  while (stream.finished < ticket && advance(stream)) {
  }
}

void finish(const Mark& mark) {
  if (const auto stream = mark.stream.lock()) finish(*stream, mark.ticket);
}

bool is_finished(const Mark& mark) {
  const auto stream = mark.stream.lock();
  return !stream || stream->finished >= mark.ticket;
}

void finish_device(int device) {
  finish(*default_stream(device));
  for (const auto& [handle, stream] : streams())
    if (stream->device == device) finish(*stream);
}

cudaError_t refuse_in_capture() {
  if (!someone_captures_globally()) return cudaSuccess;
  for (const auto& [handle, stream] : streams())
    if (stream->capture && stream->capture->mode != cudaStreamCaptureModeRelaxed) stream->capture->valid = false;
  return cudaErrorStreamCaptureUnsupported;
}

}  // namespace sunder::emulator
