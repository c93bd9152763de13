// cudaMalloc, cudaMemcpy, cudaMemset and their kin.
#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "tests/emulator/device.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/memory.h"
#include "tests/emulator/stream.h"

namespace sunder::emulator {
namespace {

using memory::Kind;

cudaError_t allocate(void** pointer, size_t bytes) {
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  ++counters().allocations;
  if (settings().fail_error == cudaErrorMemoryAllocation && fault_is_due()) return cudaErrorMemoryAllocation;
  *pointer = memory::allocate(bytes, current_device());
  return *pointer ? cudaSuccess : cudaErrorMemoryAllocation;
}

// Throws Failure unless the range lies in one allocation, if it is device or pinned memory.
Kind check_range(const void* begin, size_t bytes, const char* what) {
  const memory::Place place = memory::find(begin);
  if (place.kind == Kind::pinned &&
      bytes > static_cast<size_t>(place.begin + place.bytes - static_cast<const char*>(begin)))
    throw Failure(
        fmt::format("{}: {} bytes reach outside {} bytes of pinned memory (out of range)", what, bytes, place.bytes));
  memory::Access(memory::any_device).open(begin, bytes, what);
  return place.kind;
}

void count_copy(bool from_device, bool to_device, size_t bytes) {
  Counters& c = counters();
  ++c.copies;
  if (from_device && to_device) c.bytes_on_device += bytes;
  else if (to_device) c.bytes_to_device += bytes;
  else if (from_device) c.bytes_to_host += bytes;
}

Work copy_work(void* to, const void* from, size_t bytes, std::shared_ptr<const std::vector<char>> kept) {
  return {cudaGraphNodeTypeMemcpy, [=] {
            memory::Access access(memory::any_device);
            access.open(to, bytes, "destination of a copy");
            if (!kept) access.open(from, bytes, "source of a copy");
            std::memcpy(to, kept ? kept->data() : from, bytes);
            count_copy(memory::find(from).kind == Kind::device, memory::find(to).kind == Kind::device, bytes);
          }};
}

// Copies of pageable memory: what goes up is read at once, what comes down has arrived when the call returns.
cudaError_t copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t handle) {
  if (bytes == 0) return cudaSuccess;
  const Kind source = check_range(from, bytes, "source of a copy"),
             target = check_range(to, bytes, "destination of a copy");
  const bool from_device = source == Kind::device, to_device = target == Kind::device;
  const bool named_right = kind == cudaMemcpyDefault ||
                           (from_device == (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice) &&
                            to_device == (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice));
  if (!named_right) return cudaErrorInvalidValue;
  const auto stream = stream_of(handle);
  std::shared_ptr<std::vector<char>> kept;
  if (source == Kind::host && settings().delay && !stream->capture)
    kept = std::make_shared<std::vector<char>>(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
  const cudaError_t error = queue(handle, copy_work(to, from, bytes, kept));
  if (error == cudaSuccess && target == Kind::host && !stream->capture) {
    ++counters().synchronisations;
    finish(*stream);
  }
  return error;
}

cudaError_t set(void* to, int value, size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (check_range(to, bytes, "cudaMemset") != Kind::device) return cudaErrorInvalidValue;
  return queue(stream, {cudaGraphNodeTypeMemset, [=] {
                          memory::Access access(memory::any_device);
                          access.open(to, bytes, "cudaMemset");
                          std::memset(to, value, bytes);
                          ++counters().memsets;
                        }});
}

}  // namespace
}  // namespace sunder::emulator

using namespace sunder::emulator;

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  return call([&] {
    if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return error;
    return allocate(pointer, bytes);
  });
}

cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t stream) {
  return call([&] {
    if (stream_of(stream)->capture) return cudaErrorStreamCaptureUnsupported;
    return allocate(pointer, bytes);
  });
}

cudaError_t cudaFree(void* pointer) {
  return call([&] {
    if (!pointer) return cudaSuccess;
    if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return error;
    ++counters().synchronisations;
    ++counters().frees;
    finish_device(memory::find(pointer).device);
    memory::release(pointer);
    return cudaSuccess;
  });
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  return call([&] {
    if (stream_of(stream)->capture) return cudaErrorStreamCaptureUnsupported;
    ++counters().frees;
    return queue(stream, {cudaGraphNodeTypeMemset, [pointer] { memory::release(pointer); }});
  });
}

cudaError_t cudaMallocHost(void** pointer, size_t bytes, unsigned) {
  return call([&] {
    if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return error;
    *pointer = memory::allocate_pinned(bytes);
    return *pointer ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}
cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned flags) {
  return cudaMallocHost(pointer, bytes, flags);
}

cudaError_t cudaFreeHost(void* pointer) {
  return call([&] {
    if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return error;
    for (int device = 0; device < settings().devices; ++device) finish_device(device);
    if (pointer) memory::release_pinned(pointer);
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return call([&] { return copy(to, from, bytes, kind, stream); });
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return call([&] {
    if (const cudaError_t error = refuse_in_capture(); error != cudaSuccess) return error;
    const uint64_t before = counters().synchronisations;
    const cudaError_t error = copy(to, from, bytes, kind, nullptr);
    finish(*stream_of(nullptr));
    counters().synchronisations = before + 1;
    return error;
  });
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  return call([&] { return set(to, value, bytes, stream); });
}

cudaError_t cudaMemset(void* to, int value, size_t bytes) { return cudaMemsetAsync(to, value, bytes, nullptr); }

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return call([&] {
    const memory::Place place = memory::find(pointer);
    auto* address = const_cast<void*>(pointer);
    *attributes = {};
    switch (place.kind) {
      case Kind::device:
        *attributes = {cudaMemoryTypeDevice, place.device, address, nullptr};
        break;
      case Kind::pinned:
        *attributes = {cudaMemoryTypeHost, place.device, address, address};
        break;
      default:
        *attributes = {cudaMemoryTypeUnregistered, -1, nullptr, address};
    }
    return cudaSuccess;
  });
}
