// The C API's buffers in a device's memory.
#include <gtest/gtest.h>

#include "tensor/tensor.h"
#include "tests/cuda_device.h"
#include "tests/embed/client.h"
#include "tests/programs/program.h"
#ifdef SUNDER_CUDA_EMULATED
#include "tensor/cuda/check.h"
#include "tests/emulator/device.h"
#include "tests/emulator/emulator.h"
#endif

namespace sunder {
namespace {

// A recording and its estimates there; what they hold at first is not a number.
struct Buffers {
  Tensor in, out;
  sunder_audio mixture, estimates;

  Buffers(const Signals& signals, Stream stream) {
    const auto frames = static_cast<int64_t>(signals[0].size()), channels = static_cast<int64_t>(signals.size());
    in = Tensor::from(planar(signals), {channels, frames}, stream);
    out = Tensor::full({2, frames}, NAN, DType::float32, stream);
    mixture = audio_of(in.raw(), frames, static_cast<int>(channels));
    estimates = audio_of(out.raw(), frames, 2);
    mixture.memory = estimates.memory = SUNDER_DEVICE;
  }
  std::vector<float> values() const { return out.to_vector<float>(); }
};

std::vector<float> separate_there(const Session& session, const Signals& signals, Stream stream) {
  const Buffers buffers(signals, stream);
  EXPECT_EQ(sunder_separate(session.get(), &buffers.mixture, &buffers.estimates), SUNDER_OK)
      << sunder_session_error(session.get());
  return buffers.values();
}

class ApiDevice : public Api {
 protected:
  void SetUp() override {
    Api::SetUp();
    SUNDER_NEEDS_CUDA();
    stream_.emplace(first_cuda_device);
  }
  // Sessions on a stream of the test's.
  sunder_session_params given() const {
    sunder_session_params params = shortest_chunks();
    params.cuda_stream = stream().handle;
    return params;
  }
  Stream stream() const { return stream_->get(); }

  std::optional<cuda::OwnedStream> stream_;
};

// To the bit: recordings of one chunk, of many, and shorter than the network takes.
TEST_F(ApiDevice, GiveTheSamplesOfTheHost) {
  for (const std::string& path : {path_, write_tf_gridnet(folder_)}) {
    const Model model = load_on_cuda(path);
    for (const sunder_session_params& params : {given(), shortest_chunks()}) {
      const Session session = open_session(model, params), host = open_session(model, shortest_chunks());
      for (const int64_t frames : {800, 2200, 180, 9}) {
        const Signals mixture = voices(sunder_model_microphones(model.get()), frames);
        EXPECT_EQ(separate_there(session, mixture, stream()), separate(host, mixture)) << path << " " << frames;
      }
    }
  }
}

TEST_F(ApiDevice, BatchesHoldBuffersOfBothKinds) {
  const Session session = open_session(load_on_cuda(path_), given());
  const int64_t lengths[] = {500, 700, 500, 2000, 0, 500, 5};
  std::vector<Buffers> there;
  std::vector<std::vector<float>> in, out;
  std::vector<sunder_audio> mixtures, estimates, host_mixtures, host_estimates;
  for (const int64_t frames : lengths) {
    Signals signals = voices(1, frames);
    for (float& sample : signals[0]) sample *= 1 + 0.1f * static_cast<float>(in.size());
    there.emplace_back(signals, stream());
    in.push_back(signals[0]);
    out.emplace_back(2 * frames);
    host_mixtures.push_back(audio_of(in.back().data(), frames, 1));
    host_estimates.push_back(audio_of(out.back().data(), frames, 2));
  }
  std::vector<float> one(1000);  // of a recording on the host among the others
  for (const Buffers& buffers : there) mixtures.push_back(buffers.mixture), estimates.push_back(buffers.estimates);
  mixtures.push_back(host_mixtures[0]);
  estimates.push_back(audio_of(one.data(), 500, 2));
  ASSERT_EQ(sunder_separate_batch(session.get(), mixtures.size(), mixtures.data(), estimates.data()), SUNDER_OK)
      << sunder_session_error(session.get());
  ASSERT_EQ(sunder_separate_batch(session.get(), host_mixtures.size(), host_mixtures.data(), host_estimates.data()),
            SUNDER_OK);
  for (size_t i = 0; i < there.size(); ++i) EXPECT_EQ(there[i].values(), out[i]) << i;
  for (size_t t = 0; t < one.size(); ++t) ASSERT_NEAR(one[t], out[0][t], 1e-6) << t;
}

TEST_F(ApiDevice, RefusesWhatTheDeviceCannotWorkOn) {
  const Session session = open_session(load_on_cuda(path_), given());
  const Buffers whole(voices(1, 400), stream());
  std::vector<float> host(800);
  const auto bad = [&](auto set, const std::string& text) {
    Buffers buffers = whole;
    set(buffers.mixture, buffers.estimates);
    EXPECT_EQ(sunder_separate(session.get(), &buffers.mixture, &buffers.estimates), SUNDER_BAD_ARGUMENT) << text;
    EXPECT_NE(std::string(sunder_session_error(session.get())).find(text), std::string::npos)
        << sunder_session_error(session.get());
  };
  bad([](auto& from, auto&) { from.format = SUNDER_INT16; },
      "mixture.format: expected SUNDER_FLOAT32 for samples on a device, got 1");
  bad([](auto&, auto& to) { to.layout = SUNDER_POINTERS; },
      "estimates.layout: expected SUNDER_PLANAR for samples on a device, got 2");
  bad([](auto& from, auto&) { from.sample_rate = 16000; },
      "mixture.sample_rate: expected the model's 8000 Hz for samples on a device, got 16000");
  bad([](auto&, auto& to) { to.memory = SUNDER_HOST; },
      "estimates.memory: expected the mixture's SUNDER_DEVICE, got SUNDER_HOST");
  bad([](auto& from, auto&) { from.samples = nullptr; }, "mixture: expected samples, got NULL");
  bad([&](auto& from, auto&) { from.samples = host.data(); },
      "mixture.samples: expected memory of cuda:0, got memory of the host");
  bad([&](auto&, auto& to) { to.samples = host.data(); },
      "estimates.samples: expected memory of cuda:0, got memory of the host");
  bad([](auto& from, auto&) { from.samples = static_cast<char*>(from.samples) + 2; },
      "mixture: expected samples at a multiple of 4 bytes, got 0x");
  bad([](auto& from, auto& to) { from.samples = static_cast<float*>(to.samples) + 799; },
      "estimates.samples: expected memory that does not overlap with the mixture's");
  for (const float sample : whole.values()) ASSERT_TRUE(std::isnan(sample));
  EXPECT_EQ(sunder_separate(session.get(), &whole.mixture, &whole.estimates), SUNDER_OK);
}

TEST_F(ApiDevice, CancelledBetweenChunks) {
  struct Seen {
    std::vector<int64_t> done;
    int64_t stop_at = INT64_MAX;
  } seen;
  sunder_session_params params = given();
  params.progress_user = &seen;
  params.progress = [](void* user, int64_t done, int64_t total) {
    auto* to = static_cast<Seen*>(user);
    EXPECT_EQ(total, 4000);
    to->done.push_back(done);
    return done >= to->stop_at ? 1 : 0;
  };
  const Session session = open_session(load_on_cuda(path_), params);
  const Signals mixture = voices(1, 4000);
  const std::vector<float> whole = separate_there(session, mixture, stream());
  EXPECT_EQ(seen.done, (std::vector<int64_t>{800, 1440, 2080, 2720, 3360, 4000}));
  seen.stop_at = 2000;
  const Buffers buffers(mixture, stream());
  EXPECT_EQ(sunder_separate(session.get(), &buffers.mixture, &buffers.estimates), SUNDER_CANCELLED);
  EXPECT_EQ(seen.done.back(), 2080);
  seen.stop_at = INT64_MAX;
  EXPECT_EQ(separate_there(session, mixture, stream()), whole);
}

// examples/device.c
TEST_F(ApiDevice, TheExampleSeparates) {
  const Signals mixture = voices(1, 2000);
  const std::vector<float> expected = separate(open_session(load_on_cuda(path_)), mixture);
  const auto bytes = [](const std::vector<float>& samples) {
    return std::string(reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(float));
  };
  write("mixture.raw", bytes(mixture[0]));
  const ProgramResult result =
      run_program("example_device", {path_}, {.folder = folder_, .shell = "\"$0\" \"$@\" < mixture.raw > voices.raw"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read("voices.raw"), bytes(expected));
}

#ifdef SUNDER_CUDA_EMULATED

class EmulatedApiDevice : public ApiDevice {
 protected:
  void TearDown() override {
    emulator::settings() = before_;
    ApiDevice::TearDown();
  }
  emulator::Settings before_ = emulator::settings();
};

// With a stream of the caller's nothing has run, and nothing was waited for, when the call returns.
TEST_F(EmulatedApiDevice, WorkIsOnlyQueued) {
  for (const int no_graphs : {0, 1}) {
    sunder_session_params params = given();
    params.no_graphs = no_graphs;
    const Session session = open_session(load_on_cuda(path_), params);
    const Signals mixture = voices(1, 700);
    std::vector<float> expected;
    for (int call = 0; call < 4; ++call) expected = separate_there(session, mixture, stream());
    const Buffers buffers(mixture, stream());
    emulator::settings().delay = true;
    const emulator::Counters before = emulator::counters();
    ASSERT_EQ(sunder_separate(session.get(), &buffers.mixture, &buffers.estimates), SUNDER_OK);
    const emulator::Counters after = emulator::counters();
    emulator::settings().delay = false;
    EXPECT_EQ(after.synchronisations, before.synchronisations);
    EXPECT_EQ(after.kernels, before.kernels);
    EXPECT_EQ(after.allocations, before.allocations);
    EXPECT_EQ(after.graph_launches - before.graph_launches, no_graphs ? 0u : 1u);
    cuda::synchronize(stream());
    EXPECT_GT(emulator::counters().kernels, before.kernels);
    EXPECT_EQ(emulator::counters().bytes_to_host, before.bytes_to_host);
    EXPECT_EQ(emulator::counters().bytes_to_device, before.bytes_to_device);
    EXPECT_EQ(buffers.values(), expected);
  }
}

// What was queued before on the caller's stream, and what is queued behind the call.
TEST_F(EmulatedApiDevice, WorkIsInTheOrderOfTheCallersStream) {
  const Session session = open_session(load_on_cuda(path_), given());
  const Signals mixture = voices(1, 700);
  const Buffers source(mixture, stream()), buffers(Signals(1, std::vector<float>(700)), stream());
  const std::vector<float> expected = separate(session, mixture);
  const Tensor copy = Tensor::zeros_like(buffers.out);
  cuda::synchronize(stream());
  for (int call = 0; call < 4; ++call) {
    buffers.in.zero();
    copy.zero();
    emulator::settings().delay = true;
    buffers.in.copy_from(source.in);
    ASSERT_EQ(sunder_separate(session.get(), &buffers.mixture, &buffers.estimates), SUNDER_OK);
    copy.copy_from(buffers.out);
    buffers.in.zero();
    emulator::settings().delay = false;
    EXPECT_EQ(copy.to_vector<float>(), expected) << call;
  }
}

// A session's own stream is nobody else's to wait for.
TEST_F(EmulatedApiDevice, OnItsOwnStreamACallReturnsWhenAllIsDone) {
  const Session session = open_session(load_on_cuda(path_), shortest_chunks());
  const Signals mixture = voices(1, 2000);
  const std::vector<float> expected = separate(session, mixture);
  const Buffers buffers(mixture, stream());
  emulator::settings().delay = true;
  ASSERT_EQ(sunder_separate(session.get(), &buffers.mixture, &buffers.estimates), SUNDER_OK);
  const uint64_t kernels = emulator::counters().kernels;
  SUNDER_CUDA_CHECK(cudaDeviceSynchronize());
  EXPECT_EQ(emulator::counters().kernels, kernels);
  EXPECT_EQ(buffers.values(), expected);
}

TEST_F(EmulatedApiDevice, TheCurrentDeviceStays) {
  emulator::settings().devices = 2;
  const auto current = [] {
    int device = -1;
    EXPECT_EQ(cudaGetDevice(&device), cudaSuccess);
    return device;
  };
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  const Device second{Device::Kind::cuda, 1};
  sunder_model_params params = SUNDER_MODEL_PARAMS_INIT;
  params.device = "cuda:1";
  Model model = load(path_, &params);
  EXPECT_EQ(current(), 0);
  sunder_session_params wrong = given();
  sunder_session* none = nullptr;
  EXPECT_EQ(sunder_session_create(model.get(), &wrong, &none), SUNDER_BAD_ARGUMENT);
  EXPECT_STREQ(sunder_last_error(), "params->cuda_stream: expected a stream of cuda:1, got one of cuda:0");
  const cuda::OwnedStream there(second);
  for (void* handle : {static_cast<void*>(nullptr), there.get().handle}) {
    sunder_session_params on = shortest_chunks();
    on.cuda_stream = handle;
    Session session = open_session(model, on);
    EXPECT_EQ(current(), 0);
    const Signals mixture = voices(1, 3000);
    for (int call = 0; call < 2; ++call) {
      const std::vector<float> expected = separate(session, mixture);
      EXPECT_EQ(current(), 0);
      EXPECT_EQ(separate_there(session, mixture, there.get()), expected);
      EXPECT_EQ(current(), 0);
    }
    const Buffers first(mixture, stream());  // of the other device
    EXPECT_EQ(sunder_separate(session.get(), &first.mixture, &first.estimates), SUNDER_BAD_ARGUMENT);
    EXPECT_STREQ(sunder_session_error(session.get()),
                 "mixture.samples: expected memory of cuda:1, got memory of cuda:0");
    uint64_t bytes = 0;
    EXPECT_EQ(sunder_session_memory(session.get(), 800, 8000, &bytes), SUNDER_OK);
    EXPECT_EQ(current(), 0);
    session.reset();
    EXPECT_EQ(current(), 0);
  }
  model.reset();
  EXPECT_EQ(current(), 0);
}

TEST_F(EmulatedApiDevice, ALostDeviceIsAStatus) {
  Session session = open_session(load_on_cuda(path_), given());
  const Session host = open_session(load(path_), short_chunks());
  const Signals mixture = voices(1, 700);
  const std::vector<float> expected = separate(host, mixture);
  Buffers buffers(mixture, stream());
  emulator::settings().fail_launch = 2;
  emulator::settings().fail_error = cudaErrorIllegalAddress;
  for (int call = 0; call < 2; ++call) {
    EXPECT_EQ(sunder_separate(session.get(), &buffers.mixture, &buffers.estimates), SUNDER_DEVICE_LOST);
    EXPECT_NE(std::string(sunder_session_error(session.get())).find("cudaErrorIllegalAddress"), std::string::npos)
        << sunder_session_error(session.get());
  }
  session.reset();
  EXPECT_EQ(separate(host, mixture), expected) << "sessions elsewhere go on";
  emulator::make_sticky(cudaSuccess);
}

TEST_F(EmulatedApiDevice, ACapturedStreamIsRefusedAndStaysCaptured) {
  const Session session = open_session(load_on_cuda(path_), given());
  const Buffers buffers(voices(1, 500), stream());
  const auto handle = static_cast<cudaStream_t>(stream().handle);
  cudaGraph_t graph = nullptr;
  SUNDER_CUDA_CHECK(cudaStreamBeginCapture(handle, cudaStreamCaptureModeThreadLocal));
  EXPECT_EQ(sunder_separate(session.get(), &buffers.mixture, &buffers.estimates), SUNDER_BAD_ARGUMENT);
  EXPECT_NE(std::string(sunder_session_error(session.get())).find("expected a stream that is not being captured"),
            std::string::npos);
  SUNDER_CUDA_CHECK(cudaStreamEndCapture(handle, &graph));
  SUNDER_CUDA_CHECK(cudaGraphDestroy(graph));
  EXPECT_EQ(sunder_separate(session.get(), &buffers.mixture, &buffers.estimates), SUNDER_OK);
}

#endif

}  // namespace
}  // namespace sunder
