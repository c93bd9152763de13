// Queues of work. Work runs when it is queued, or, with the setting `delay`, when something waits for it; a capturing
// stream records it for a graph instead.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "emulated/runtime_api.h"

struct CUgraphNode_st {
  cudaGraphNodeType type = cudaGraphNodeTypeKernel;
  std::function<void()> run;
};

namespace sunder::emulator {

using Work = CUgraphNode_st;

struct Capture {
  std::vector<Work> nodes;
  CUstream_st* origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  // Per stream how much work it recorded, and how much of that others wait for. All but the origin must be joined.
  std::map<CUstream_st*, uint64_t> recorded, joined;
  bool valid = true;
};

// A point in a stream's order, which an event holds.
struct Mark {
  std::weak_ptr<CUstream_st> stream;
  uint64_t ticket = 0;
  std::chrono::steady_clock::time_point time;
};

}  // namespace sunder::emulator

struct CUstream_st {
  int device = 0;
  bool blocking = true;  // waits for the default stream, and the default stream for it
  std::deque<std::pair<sunder::emulator::Work, std::vector<sunder::emulator::Mark>>>
      pending;  // work and what it follows
  uint64_t queued = 0, finished = 0;
  std::shared_ptr<sunder::emulator::Capture> capture;
};

struct CUevent_st {
  bool timing = true;
  std::shared_ptr<sunder::emulator::Mark> mark;      // null before the first record
  std::weak_ptr<sunder::emulator::Capture> capture;  // in which it was recorded
  CUstream_st* captured_on = nullptr;
  uint64_t captured_work = 0;
};

namespace sunder::emulator {

// The stream of a handle; null stands for the default stream of the current device. Throws Failure for a dead handle.
std::shared_ptr<CUstream_st> stream_of(cudaStream_t handle);
cudaStream_t make_stream(int device, bool blocking);
void destroy_stream(cudaStream_t handle);

// Queues or records work, to follow `after`. An error if a capture forbids it.
cudaError_t queue(cudaStream_t stream, Work work, std::vector<Mark> after = {});
// Runs what is queued up to a point.
void finish(CUstream_st& stream, uint64_t ticket);
inline void finish(CUstream_st& stream) { finish(stream, stream.queued); }
void finish(const Mark& mark);
bool is_finished(const Mark& mark);
void finish_device(int device);
// Runs the one piece of work at the front, so that polling comes to an end. Returns whether there was one.
bool advance(CUstream_st& stream);

// For calls that may not stand in a capture: invalidates the captures under way and returns their error.
cudaError_t refuse_in_capture();

}  // namespace sunder::emulator
