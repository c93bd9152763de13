#include "tensor/cuda/graph.h"

#include <memory>
#include <utility>
#include <vector>

#include "tensor/cuda/captures.h"
#include "tensor/cuda/check.h"
#include "tensor/cuda/device_scope.h"

namespace sunder::cuda {
namespace {

// A plain pointer: a thread's object with a destructor keeps a library in memory after dlclose.
thread_local const std::shared_ptr<const void>* under_capture = nullptr;

struct Destroy {
  void operator()(cudaGraph_t graph) const { static_cast<void>(cudaGraphDestroy(graph)); }
};
using Recorded = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, Destroy>;

Recorded record(cudaStream_t stream, const std::function<void()>& work) {
  // Of this thread only: other threads, such as a loader's, may allocate meanwhile.
  SUNDER_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    if (cudaStreamEndCapture(stream, &graph) == cudaSuccess) static_cast<void>(cudaGraphDestroy(graph));
    static_cast<void>(cudaGetLastError());  // the capture is invalid; its cause is being thrown
    throw;
  }
  SUNDER_CUDA_CHECK(cudaStreamEndCapture(stream, &graph));
  return Recorded(graph);
}

GraphSize size_of(cudaGraph_t graph) {
  size_t count = 0;
  SUNDER_CUDA_CHECK(cudaGraphGetNodes(graph, nullptr, &count));
  std::vector<cudaGraphNode_t> nodes(count);
  if (count > 0) SUNDER_CUDA_CHECK(cudaGraphGetNodes(graph, nodes.data(), &count));
  GraphSize size;
  for (cudaGraphNode_t node : nodes) {
    cudaGraphNodeType type;
    SUNDER_CUDA_CHECK(cudaGraphNodeGetType(node, &type));
    if (type == cudaGraphNodeTypeKernel) ++size.kernels;
    else if (type == cudaGraphNodeTypeMemcpy) ++size.copies;
    else if (type == cudaGraphNodeTypeMemset) ++size.fills;
  }
  return size;
}

}  // namespace

const std::shared_ptr<const void>* captured_graph() { return under_capture; }

Graph::Graph(Stream stream, const std::function<void()>& work)
    : stream_(stream), alive_(std::make_shared<const char>()) {
  const DeviceScope scope(stream.device);
  const struct Mark {
    const std::shared_ptr<const void>* before;
    ~Mark() { under_capture = before; }
  } mark{std::exchange(under_capture, &alive_)};
  const Recorded recorded = record(native(stream), work);
  size_ = size_of(recorded.get());
  SUNDER_CUDA_CHECK(cudaGraphInstantiate(&executable_, recorded.get(), 0));
}

Graph::~Graph() { static_cast<void>(cudaGraphExecDestroy(executable_)); }

void Graph::launch() const {
  const DeviceScope scope(stream_.device);
  SUNDER_CUDA_CHECK(cudaGraphLaunch(executable_, native(stream_)));
}

}  // namespace sunder::cuda
