// Streams, events, capture and graphs as CUDA's functions.
#include "tests/emulator/device.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/handles.h"
#include "tests/emulator/stream.h"

struct CUgraph_st {
  std::vector<CUgraphNode_st> nodes;
};
struct CUgraphExec_st {
  std::shared_ptr<const std::vector<CUgraphNode_st>> nodes;
};

using namespace sunder::emulator;

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return call([&] {
    *stream = make_stream(current_device(), !(flags & cudaStreamNonBlocking));
    return cudaSuccess;
  });
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call([&] { return destroy_stream(stream), cudaSuccess; });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return call([&] {
    const auto stream = stream_of(handle);
    if (stream->capture) {
      stream->capture->valid = false;
      return cudaErrorStreamCaptureUnsupported;
    }
    ++counters().synchronisations;
    finish(*stream);
    return state_of_device();
  });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return call([&] {
    const auto stream = stream_of(handle);
    if (stream->capture) return cudaErrorStreamCaptureUnsupported;
    return advance(*stream) ? cudaErrorNotReady : cudaSuccess;
  });
}

cudaError_t cudaStreamGetDevice(cudaStream_t handle, int* device) {
  return call([&] { return *device = stream_of(handle)->device, cudaSuccess; });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return call([&] {
    *event = new CUevent_st;
    (*event)->timing = !(flags & cudaEventDisableTiming);
    handles::add("event", *event);
    return cudaSuccess;
  });
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call([&] {
    handles::remove("event", event);
    delete event;
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  return call([&] {
    handles::check("event", event);
    const auto stream = stream_of(handle);
    if (stream->capture) {
      event->capture = stream->capture;
      event->captured_on = stream.get();
      event->captured_work = stream->capture->recorded[stream.get()];
      return cudaSuccess;
    }
    event->capture.reset();
    event->mark = std::make_shared<Mark>(Mark{stream, stream->queued + 1, {}});
    return queue(handle,
                 {cudaGraphNodeTypeMemset, [mark = event->mark] { mark->time = std::chrono::steady_clock::now(); }});
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  return call([&] {
    handles::check("event", event);
    const auto stream = stream_of(handle);
    if (const auto capture = event->capture.lock()) {
      if (stream->capture && stream->capture != capture) return cudaErrorStreamCaptureMerge;
      stream->capture = capture;
      ++capture->recorded[stream.get()];
      uint64_t& joined = capture->joined[event->captured_on];
      joined = std::max(joined, event->captured_work);
      return cudaSuccess;
    }
    if (!event->mark) return cudaSuccess;  // never recorded: nothing to wait for
    if (stream->capture) {
      stream->capture->valid = false;
      return cudaErrorStreamCaptureIsolation;
    }
    return queue(handle, {cudaGraphNodeTypeMemset, {}}, {*event->mark});
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call([&] {
    handles::check("event", event);
    if (event->capture.lock()) return cudaErrorCapturedEvent;
    ++counters().synchronisations;
    if (event->mark) finish(*event->mark);
    return state_of_device();
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return call([&] {
    handles::check("event", event);
    if (event->capture.lock()) return cudaErrorCapturedEvent;
    if (!event->mark || is_finished(*event->mark)) return cudaSuccess;
    advance(*event->mark->stream.lock());
    return cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  return call([&] {
    handles::check("event", begin);
    handles::check("event", end);
    if (!begin->timing || !end->timing || !begin->mark || !end->mark) return cudaErrorInvalidResourceHandle;
    if (!is_finished(*begin->mark) || !is_finished(*end->mark)) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(end->mark->time - begin->mark->time).count();
    return cudaSuccess;
  });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return call([&] {
    if (!handle) return cudaErrorStreamCaptureUnsupported;
    const auto stream = stream_of(handle);
    if (stream->capture) return cudaErrorInvalidValue;
    stream->capture = std::make_shared<Capture>();
    stream->capture->origin = stream.get();
    stream->capture->mode = mode;
    stream->capture->recorded[stream.get()] = 0;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  return call([&] {
    *graph = nullptr;
    const auto capture = stream_of(handle)->capture;
    if (!capture) return cudaErrorInvalidValue;
    if (capture->origin != handle) return cudaErrorStreamCaptureUnmatched;
    bool joined = true;
    for (const auto& [stream, count] : capture->recorded) {
      joined &= stream == handle || capture->joined[stream] == count;
      stream->capture.reset();
    }
    if (!capture->valid) return cudaErrorStreamCaptureInvalidated;
    if (!joined) return cudaErrorStreamCaptureUnjoined;
    *graph = new CUgraph_st{std::move(capture->nodes)};
    handles::add("graph", *graph);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return call([&] {
    const auto capture = stream_of(handle)->capture;
    *status = !capture         ? cudaStreamCaptureStatusNone
              : capture->valid ? cudaStreamCaptureStatusActive
                               : cudaStreamCaptureStatusInvalidated;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  return call([&] {
    handles::check("graph", graph);
    *executable = new CUgraphExec_st{std::make_shared<const std::vector<CUgraphNode_st>>(graph->nodes)};
    handles::add("executable graph", *executable);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return call([&] {
    handles::check("executable graph", executable);
    if (const cudaError_t error = next_launch_error(); error != cudaSuccess) return error;
    ++counters().graph_launches;
    return queue(stream, {cudaGraphNodeTypeKernel, [nodes = executable->nodes] {
                            for (const CUgraphNode_st& node : *nodes) node.run();
                          }});
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call([&] {
    handles::remove("graph", graph);
    delete graph;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  return call([&] {
    handles::remove("executable graph", executable);
    delete executable;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  return call([&] {
    handles::check("graph", graph);
    if (nodes)
      for (size_t i = 0; i < *count && i < graph->nodes.size(); ++i) nodes[i] = &graph->nodes[i];
    *count = nodes ? std::min(*count, graph->nodes.size()) : graph->nodes.size();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  return call([&] { return *type = node->type, cudaSuccess; });
}
