// Where memory lives and where work is queued.
#pragma once

#include <string>

namespace sunder {

struct Device {
  enum class Kind { cpu, cuda };
  Kind kind = Kind::cpu;
  int index = 0;

  bool is_cpu() const { return kind == Kind::cpu; }
  bool is_cuda() const { return kind == Kind::cuda; }
  bool operator==(const Device&) const = default;
};

// "cpu", "cuda" or "cuda:1". Throws UsageError for anything else, and DeviceMissing where this build or machine has no
// such device. The thread's current CUDA device stays what it was: every call on a stream runs on the stream's device.
Device parse_device(const std::string& name);
std::string to_string(Device device);

// A queue of work on one device. Every tensor belongs to one; an op runs on its inputs' stream and allocates there, so
// that no function has a hidden current stream. On the CPU work is done at once and there is one stream.
struct Stream {
  Device device;
  void* handle = nullptr;  // a cudaStream_t on CUDA

  Stream() = default;
  Stream(Device on, void* native = nullptr) : device(on), handle(native) {}  // NOLINT: a device stands for its default
  bool operator==(const Stream&) const = default;
};

inline constexpr Device cpu_device{};

}  // namespace sunder
