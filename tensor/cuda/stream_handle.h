// A library's handle for one stream: cuBLAS, cuDNN and cuSOLVER.
#pragma once

#include "tensor/cuda/device_scope.h"
#include "tensor/cuda/recently_used.h"

namespace sunder::cuda {

// Library has the type Handle and the functions create(Handle*) and set_up(Handle, Stream), which throw, and
// destroy(Handle), which does not. What the handle needs as long as it lives are members of Library.
template <class Library>
class StreamHandle {
 public:
  explicit StreamHandle(Stream stream) : stream_(stream) {
    const DeviceScope scope(stream.device);
    library_.create(&handle_);
    try {
      library_.set_up(handle_, stream);
    } catch (...) {
      library_.destroy(handle_);
      throw;
    }
  }
  ~StreamHandle() {
    const DeviceScope scope(stream_.device, std::nothrow);
    library_.destroy(handle_);
  }
  StreamHandle(const StreamHandle&) = delete;
  StreamHandle& operator=(const StreamHandle&) = delete;

  Stream key() const { return stream_; }
  operator typename Library::Handle() const { return handle_; }  // NOLINT: as every call of the library takes it

  Captures captured;

 private:
  Stream stream_;
  Library library_;
  typename Library::Handle handle_ = nullptr;
};

// At most this many handles of a library are kept, one per stream.
inline constexpr size_t handle_limit = 8;

}  // namespace sunder::cuda
