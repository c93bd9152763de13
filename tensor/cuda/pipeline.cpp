#include "tensor/cuda/pipeline.h"

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "tensor/cuda/check.h"
#include "tensor/cuda/device_scope.h"
#include "tensor/cuda/replay.h"
#include "tensor/cuda/runtime.h"

namespace sunder::cuda {
namespace {

// Pinned host memory that grows.
class Pinned {
 public:
  Pinned() = default;
  ~Pinned() { static_cast<void>(cudaFreeHost(data_)); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  std::byte* at_least(size_t bytes) {
    if (bytes <= bytes_) return data_;
    static_cast<void>(cudaFreeHost(std::exchange(data_, nullptr)));
    bytes_ = 0;
    SUNDER_CUDA_CHECK(cudaMallocHost(&data_, bytes));
    bytes_ = bytes;
    return data_;
  }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

// One run under way: what it reads and where its result arrives.
struct Slot {
  Pinned inputs, result;
  size_t result_size = 0;
  cudaEvent_t done = nullptr;

  explicit Slot(Device device) {
    const DeviceScope scope(device);
    SUNDER_CUDA_CHECK(cudaEventCreateWithFlags(&done, cudaEventDisableTiming));
  }
  ~Slot() { static_cast<void>(cudaEventDestroy(done)); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
};

size_t aligned(size_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace

struct Pipeline::State {
  Stream stream;
  GraphUse graphs;
  std::array<std::unique_ptr<Slot>, depth> slots;
  uint64_t begun = 0, read = 0;  // runs; begun - read are under way, run i in slot i % depth

  // The present key's.
  uint64_t key = 0;  // 0: none yet
  std::vector<Tensor> inputs;
  std::optional<Replay> replay;

  State(Stream on, GraphUse use) : stream(on), graphs(use) {
    for (auto& slot : slots) slot = std::make_unique<Slot>(on.device);
  }

  bool fits(uint64_t wanted, const std::vector<Tensor>& given) const {
    bool same = wanted == key && given.size() == inputs.size();
    for (size_t i = 0; same && i < given.size(); ++i)
      same = given[i].shape() == inputs[i].shape() && given[i].dtype() == inputs[i].dtype();
    return same;
  }

  void begin_key(uint64_t wanted, const std::vector<Tensor>& given) {
    synchronize(stream);  // the old graph may be running
    replay.reset();
    inputs.clear();
    key = wanted;
    for (const Tensor& input : given) inputs.push_back(Tensor::empty(input.shape(), input.dtype(), stream));
    replay.emplace(stream, graphs, Arena(stream));
  }

  void upload(const std::vector<Tensor>& given, Pinned& pinned) const {
    size_t total = 0;
    for (const Tensor& input : given) total += aligned(input.bytes());
    std::byte* staged = pinned.at_least(total);
    for (size_t i = 0; i < given.size(); ++i) {
      if (given[i].bytes() == 0) continue;
      std::memcpy(staged, given[i].raw(), given[i].bytes());
      SUNDER_CUDA_CHECK(
          cudaMemcpyAsync(inputs[i].raw(), staged, given[i].bytes(), cudaMemcpyHostToDevice, native(stream)));
      staged += aligned(given[i].bytes());
    }
  }

  // The oldest run's result; false if it is not there yet and `wait` is false.
  bool read_one(bool wait, std::vector<std::vector<double>>& results) {
    Slot& slot = *slots[read % depth];
    const cudaError_t status = cudaEventQuery(slot.done);
    if (status == cudaErrorNotReady) static_cast<void>(cudaGetLastError());  // not the next launch's error
    if (status == cudaErrorNotReady && !wait) return false;
    if (status == cudaErrorNotReady) SUNDER_CUDA_CHECK(cudaEventSynchronize(slot.done));
    else SUNDER_CUDA_CHECK(status);
    const auto* values = reinterpret_cast<const double*>(slot.result.at_least(0));
    results.emplace_back(values, values + slot.result_size);
    ++read;
    return true;
  }

  std::vector<std::vector<double>> unread;  // arrived, but not asked for
};

Pipeline::Pipeline(Stream stream, GraphUse graphs) : state_(std::make_unique<State>(stream, graphs)) {}

Pipeline::~Pipeline() {
  const DeviceScope scope(state_->stream.device, std::nothrow);
  static_cast<void>(cudaStreamSynchronize(native(state_->stream)));
}

void Pipeline::run(uint64_t key, const std::vector<Tensor>& inputs, const Work& work, const Tensor& result) {
  State& s = *state_;
  const DeviceScope scope(s.stream.device);
  if (s.begun - s.read == depth) s.read_one(true, s.unread);
  if (!s.fits(key, inputs)) s.begin_key(key, inputs);
  Slot& slot = *s.slots[s.begun % depth];
  s.upload(inputs, slot.inputs);
  try {
    s.replay->run([&] { work(s.inputs); });
  } catch (...) {  // the slot is not taken, so nothing else waits for its copies
    static_cast<void>(cudaStreamSynchronize(native(s.stream)));
    throw;
  }
  slot.result_size = static_cast<size_t>(result.numel());
  SUNDER_CUDA_CHECK(cudaMemcpyAsync(slot.result.at_least(result.bytes()), result.data<double>(), result.bytes(),
                                    cudaMemcpyDeviceToHost, native(s.stream)));
  SUNDER_CUDA_CHECK(cudaEventRecord(slot.done, native(s.stream)));
  ++s.begun;
}

std::vector<std::vector<double>> Pipeline::arrived(bool wait) {
  State& s = *state_;
  const DeviceScope scope(s.stream.device);
  std::vector<std::vector<double>> results = std::exchange(s.unread, {});
  while (s.read < s.begun && s.read_one(wait, results)) {
  }
  return results;
}

const std::string& Pipeline::not_captured() const {
  static const std::string none;
  return state_->replay ? state_->replay->not_captured() : none;
}

GraphSize Pipeline::graph_size() const { return state_->replay ? state_->replay->graph_size() : GraphSize{}; }

}  // namespace sunder::cuda
