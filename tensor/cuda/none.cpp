#include "tensor/cuda/pipeline.h"
#include "tensor/cuda/replay.h"
#include "tensor/cuda/runtime.h"
#include "tensor/error.h"

namespace sunder::cuda {
namespace {

[[noreturn]] void missing() { throw DeviceMissing("this build has no CUDA backend"); }

}  // namespace

int device_count(std::string* why) {
  if (why) *why = "this build has no CUDA backend";
  return 0;
}
void check_device(Device device) {
  throw_error<DeviceMissing>("device {}: this build has no CUDA backend", to_string(device));
}
DeviceMemory device_memory(Device) { missing(); }
std::byte* allocate(size_t, Device) { missing(); }
void free(std::byte*, Device) { missing(); }
void copy(std::byte*, Device, const std::byte*, Device, size_t, Stream) { missing(); }
void fill(std::byte*, int, size_t, Stream) { missing(); }
void synchronize(Stream) { missing(); }
void follow(Stream, Stream) { missing(); }
bool is_capturing(Stream) { missing(); }
Device device_of_memory(const void*, Device) { missing(); }
Device device_of_stream(void*, Device) { missing(); }

OwnedStream::OwnedStream(Device device) : stream_(device) {
  if (device.is_cuda()) missing();
}
OwnedStream::~OwnedStream() = default;

class Graph {};
Replay::Replay(Stream stream, GraphUse graphs, const Arena& arena) : stream_(stream), graphs_(graphs), arena_(arena) {
  missing();
}
Replay::~Replay() = default;
void Replay::run(const std::function<void()>&) { missing(); }
GraphSize Replay::graph_size() const { missing(); }

struct Pipeline::State {};
Pipeline::Pipeline(Stream, GraphUse) { missing(); }
Pipeline::~Pipeline() = default;
void Pipeline::run(uint64_t, const std::vector<Tensor>&, const Work&, const Tensor&) { missing(); }
std::vector<std::vector<double>> Pipeline::arrived(bool) { missing(); }
GraphSize Pipeline::graph_size() const { missing(); }
const std::string& Pipeline::not_captured() const { missing(); }

}  // namespace sunder::cuda
