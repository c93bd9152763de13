// The C API on a CUDA device.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/cuda_device.h"
#include "tests/embed/client.h"

namespace sunder {
namespace {

class ApiCuda : public Api {};

TEST_F(ApiCuda, SeparatesAsOnTheCpu) {
  SUNDER_NEEDS_CUDA();
  for (const std::string& path : {path_, write_tf_gridnet(folder_)}) {
    sunder_model_params on_cuda = SUNDER_MODEL_PARAMS_INIT;
    on_cuda.device = "cuda";
    const Model host = load(path), device = load(path, &on_cuda);
    const Signals mixture = voices(sunder_model_microphones(host.get()), 1200);
    const std::vector<float> expected = separate(open_session(host, shortest_chunks()), mixture);
    const cuda::OwnedStream stream(first_cuda_device);
    for (void* given : {static_cast<void*>(nullptr), stream.get().handle}) {
      sunder_session_params params = shortest_chunks();
      params.cuda_stream = given;
      const Session session = open_session(device, params);
      const std::vector<float> found = separate(session, mixture);
      for (size_t t = 0; t < found.size(); ++t) ASSERT_NEAR(found[t], expected[t], 1e-4) << path << " " << t;
      EXPECT_EQ(separate(session, mixture), found);
      uint64_t bytes = 0;
      EXPECT_EQ(sunder_session_memory(session.get(), 1200, 8000, &bytes), SUNDER_OK);
      EXPECT_GT(bytes, 0u);
    }
  }
}

TEST_F(ApiCuda, SessionsOfSeveralThreadsShareADevice) {
  SUNDER_NEEDS_CUDA();
  sunder_model_params on_cuda = SUNDER_MODEL_PARAMS_INIT;
  on_cuda.device = "cuda";
  const Model model = load(path_, &on_cuda);
  const Signals mixture = voices(1, 4000);
  const std::vector<float> expected = separate(open_session(model, short_chunks()), mixture);
  std::atomic<int> equal = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] { equal += separate(open_session(model, short_chunks()), mixture) == expected; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, 3);
}

TEST_F(ApiCuda, AMemoryLimitIsOfTheDevice) {
  SUNDER_NEEDS_CUDA();
  sunder_model_params on_cuda = SUNDER_MODEL_PARAMS_INIT;
  on_cuda.device = "cuda";
  const Model model = load(path_, &on_cuda);
  sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
  params.memory_limit = 20000;
  const Session session = open_session(model, params);
  std::vector<float> in = voices(1, 8000)[0], out(16000);
  const sunder_audio from = audio_of(in.data(), 8000, 1), to = audio_of(out.data(), 8000, 2);
  EXPECT_EQ(sunder_separate(session.get(), &from, &to), SUNDER_OUT_OF_MEMORY);
  EXPECT_NE(std::string(sunder_session_error(session.get())).find("a limit of 20000"), std::string::npos);
}

}  // namespace
}  // namespace sunder
