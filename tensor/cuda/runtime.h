// What the tensor layer needs of a CUDA device: memory, copies, streams. No call changes the thread's current device.
// Defined by runtime.cpp in a build with CUDA and by none.cpp in one without, where every call but device_count throws
// DeviceError.
#pragma once

#include <cstddef>
#include <string>

#include "tensor/device.h"

namespace sunder::cuda {

// Devices that can be used; 0 without a driver. `why` (may be null) says why there are none.
int device_count(std::string* why = nullptr);
// Throws DeviceError if the device does not exist or this build has no code for its architecture.
void check_device(Device device);

// Memory that is free, and all of it, in bytes; zeros where the device does not say.
struct DeviceMemory {
  size_t free = 0, total = 0;
};
DeviceMemory device_memory(Device device);

// Null where the device is out of memory.
std::byte* allocate(size_t bytes, Device device);
void free(std::byte* block, Device device);

// Queued on `stream` if one side is a device; returns when host memory may be read or reused.
void copy(std::byte* to, Device to_device, const std::byte* from, Device from_device, size_t bytes, Stream stream);
void fill(std::byte* block, int byte, size_t bytes, Stream stream);
void synchronize(Stream stream);
// What is queued on `after` from now on runs after what is queued on `before` by now. Streams of one device.
void follow(Stream after, Stream before);
// Whether work on the stream is being recorded for a graph.
bool is_capturing(Stream stream);
// Whose a caller's memory is: what CUDA does not know is the CPU's, pinned memory too. Managed memory is the device's
// for which it was made. `context`: a device in use, which answers; no other is woken up.
Device device_of_memory(const void* memory, Device context);
// The device of a caller's cudaStream_t.
Device device_of_stream(void* stream, Device context);

// A stream of its own, so that work on it can be captured; on the CPU the only stream. Tensors may outlive it; the
// libraries' handles and plans for it do not.
class OwnedStream {
 public:
  explicit OwnedStream(Device device);
  ~OwnedStream();
  OwnedStream(const OwnedStream&) = delete;
  OwnedStream& operator=(const OwnedStream&) = delete;
  Stream get() const { return stream_; }

 private:
  Stream stream_;
};

}  // namespace sunder::cuda
