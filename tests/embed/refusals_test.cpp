// The C API: what it says to callers who are wrong.
#include <gtest/gtest.h>

#include "tests/embed/client.h"

namespace sunder {
namespace {

// Programs that were compiled against an older or newer header.
TEST_F(Api, StructsMayBeShorterAndLonger) {
  sunder_model_params params = SUNDER_MODEL_PARAMS_INIT;
  params.struct_size = offsetof(sunder_model_params, architecture);
  params.architecture = reinterpret_cast<const char*>(1);  // beyond the end: never read
  EXPECT_TRUE(load(path_, &params));
  struct Longer {
    sunder_model_params known;
    int64_t more = 5;
  } longer{SUNDER_MODEL_PARAMS_INIT};
  longer.known.struct_size = sizeof longer;
  EXPECT_TRUE(load(path_, &longer.known));
  // The size of a sunder_audio that had no `memory`.
  const Session session = open_session(load(path_));
  std::vector<float> in = voices(1, 100)[0], out(200);
  sunder_audio from = audio_of(in.data(), 100, 1), to = audio_of(out.data(), 100, 2);
  for (sunder_audio* audio : {&from, &to}) {
    audio->struct_size = offsetof(sunder_audio, memory);
    audio->memory = SUNDER_DEVICE;
  }
  EXPECT_EQ(sunder_separate(session.get(), &from, &to), SUNDER_OK) << sunder_session_error(session.get());
  params = SUNDER_MODEL_PARAMS_INIT;
  params.struct_size = 0;
  sunder_model* model = nullptr;
  EXPECT_EQ(sunder_model_load(path_.c_str(), &params, &model), SUNDER_BAD_ARGUMENT);
  EXPECT_STREQ(sunder_last_error(), "params: expected struct_size to be set, as SUNDER_..._INIT does");
}

TEST_F(Api, BadModelsSayWhatIsWrong) {
  sunder_model* model = nullptr;
  const auto expect = [&](sunder_status found, sunder_status expected, const std::string& text) {
    EXPECT_EQ(found, expected) << text;
    EXPECT_NE(std::string(sunder_last_error()).find(text), std::string::npos) << sunder_last_error();
    EXPECT_EQ(model, nullptr);
  };
  const auto load_with = [&](auto set) {
    sunder_model_params params = SUNDER_MODEL_PARAMS_INIT;
    set(params);
    return sunder_model_load(path_.c_str(), &params, &model);
  };
  expect(sunder_model_load(nullptr, nullptr, &model), SUNDER_BAD_ARGUMENT, "path: expected the name of a file");
  expect(sunder_model_load(path_.c_str(), nullptr, nullptr), SUNDER_BAD_ARGUMENT, "model: expected where to store it");
  expect(sunder_model_load((folder_ / "none").c_str(), nullptr, &model), SUNDER_BAD_MODEL, "none: no such file");
  write("cut.safetensors", read("conv_tasnet.safetensors").substr(0, 700));
  expect(sunder_model_load((folder_ / "cut.safetensors").c_str(), nullptr, &model), SUNDER_BAD_MODEL,
         "the file is cut");
  expect(sunder_model_load_memory("nonsense", 8, nullptr, &model), SUNDER_BAD_MODEL, "model in memory: ");
  expect(sunder_model_load_memory(nullptr, 8, nullptr, &model), SUNDER_BAD_ARGUMENT, "bytes: expected");
  expect(sunder_model_load_memory("", 0, nullptr, &model), SUNDER_BAD_MODEL, "got a file of 0 bytes");
  expect(load_with([](auto& p) { p.device = "gpu"; }), SUNDER_BAD_ARGUMENT, "gpu");
  expect(load_with([](auto& p) { p.device = "cuda:99"; }), SUNDER_NO_DEVICE, "cuda");
  expect(load_with([](auto& p) { p.precision = "fp8"; }), SUNDER_BAD_ARGUMENT, "fp8");
  expect(load_with([](auto& p) { p.architecture = "wavenet"; }), SUNDER_BAD_ARGUMENT, "wavenet");
  expect(load_with([](auto& p) { p.architecture = "tf-gridnet"; }), SUNDER_BAD_MODEL, "expected architecture");
  const char* const wrong[] = {"hop_length"};
  expect(load_with([&](auto& p) { p.metadata = wrong, p.metadata_count = 1; }), SUNDER_BAD_ARGUMENT,
         "params->metadata[0]: expected \"KEY=VALUE\", got \"hop_length\"");
  const char* const other[] = {"hop_length=8"};
  expect(load_with([&](auto& p) { p.metadata = other, p.metadata_count = 1; }), SUNDER_BAD_MODEL, "hop_length");
  EXPECT_TRUE(load(path_));
  EXPECT_STREQ(sunder_last_error(), "");
}

TEST_F(Api, BadArgumentsSayWhatIsWrong) {
  const Model model = load(path_);
  sunder_session* none = nullptr;
  const auto refused = [&](auto set, const std::string& text) {
    sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
    set(params);
    EXPECT_EQ(sunder_session_create(model.get(), &params, &none), SUNDER_BAD_ARGUMENT);
    EXPECT_NE(std::string(sunder_last_error()).find(text), std::string::npos) << sunder_last_error();
    EXPECT_EQ(none, nullptr);
  };
  refused([](auto& p) { p.threads = -1; }, "params->threads: expected 0 to 4096, got -1");
  refused([](auto& p) { p.chunk_seconds = -1; }, "params->chunk_seconds: expected 0 to 36000, got -1");
  refused([](auto& p) { p.chunk_seconds = NAN; }, "got nan");
  refused([](auto& p) { p.overlap_seconds = 20; }, "params->overlap_seconds: expected 0 to 15, half a chunk, got 20");
  refused([](auto& p) { p.cuda_stream = &p; }, "expected NULL for a model on the CPU");
  EXPECT_EQ(sunder_session_create(nullptr, nullptr, &none), SUNDER_BAD_ARGUMENT);
  EXPECT_EQ(sunder_session_create(model.get(), nullptr, nullptr), SUNDER_BAD_ARGUMENT);

  const Session session = open_session(model);
  std::vector<float> in = voices(1, 100)[0], out(200, 5.0f);
  const auto bad = [&](auto set, sunder_status status, const std::string& text) {
    sunder_audio from = audio_of(in.data(), 100, 1), to = audio_of(out.data(), 100, 2);
    set(from, to);
    EXPECT_EQ(sunder_separate(session.get(), &from, &to), status);
    EXPECT_NE(std::string(sunder_session_error(session.get())).find(text), std::string::npos)
        << sunder_session_error(session.get());
    EXPECT_EQ(out, std::vector<float>(200, 5.0f));
  };
  bad([](auto& from, auto&) { from.channels = 2; }, SUNDER_BAD_ARGUMENT, "mixture: expected 1 channels, got 2");
  bad([](auto&, auto& to) { to.channels = 1; }, SUNDER_BAD_ARGUMENT, "estimates: expected 2 channels, got 1");
  bad([](auto&, auto& to) { to.frames = 99; }, SUNDER_BAD_ARGUMENT,
      "estimates.frames: expected the mixture's 100, got 99");
  bad([](auto& from, auto& to) { from.frames = to.frames = -1; }, SUNDER_BAD_ARGUMENT, "frames >= 0, got -1");
  bad([](auto& from, auto& to) { from.frames = to.frames = INT64_MAX; }, SUNDER_BAD_ARGUMENT, "that fit in memory");
  bad([](auto& from, auto&) { from.samples = nullptr; }, SUNDER_BAD_ARGUMENT, "mixture: expected samples, got NULL");
  bad([](auto&, auto& to) { to.samples = nullptr; }, SUNDER_BAD_ARGUMENT, "estimates: expected samples, got NULL");
  bad([](auto& from, auto&) { from.sample_rate = 5; }, SUNDER_BAD_ARGUMENT,
      "mixture.sample_rate: expected 0 or 1000 to");
  bad([](auto&, auto& to) { to.sample_rate = 9000; }, SUNDER_BAD_ARGUMENT,
      "expected the mixture's 8000 Hz or 0, got 9000");
  bad([](auto& from, auto&) { from.format = 9; }, SUNDER_BAD_ARGUMENT,
      "expected format SUNDER_FLOAT32 or SUNDER_INT16");
  bad([](auto&, auto& to) { to.layout = -1; }, SUNDER_BAD_ARGUMENT, "expected a layout of");
  bad([](auto& from, auto&) { from.struct_size = 0; }, SUNDER_BAD_ARGUMENT, "struct_size");
  bad([](auto& from, auto&) { from.memory = 3; }, SUNDER_BAD_ARGUMENT,
      "mixture: expected memory SUNDER_HOST or SUNDER_DEVICE, got 3");
  bad([](auto& from, auto&) { from.memory = SUNDER_DEVICE; }, SUNDER_BAD_ARGUMENT,
      "estimates.memory: expected the mixture's SUNDER_DEVICE, got SUNDER_HOST");
  bad([](auto& from, auto& to) { from.memory = to.memory = SUNDER_DEVICE; }, SUNDER_BAD_ARGUMENT,
      "mixture.memory: expected SUNDER_HOST for a model on the CPU, got SUNDER_DEVICE");
  float* const no_row[] = {nullptr};
  bad([&](auto& from, auto&) { from.layout = SUNDER_POINTERS, from.samples = const_cast<float**>(no_row); },
      SUNDER_BAD_ARGUMENT, "mixture: expected a pointer to channel 0, got NULL");
  const auto shifted = [](void* samples) { return static_cast<void*>(static_cast<char*>(samples) + 2); };
  bad([&](auto& from, auto&) { from.samples = shifted(from.samples); }, SUNDER_BAD_ARGUMENT,
      "mixture: expected samples at a multiple of 4 bytes, got 0x");
  void* shifted_row[] = {shifted(in.data())};
  bad([&](auto& from, auto&) { from.layout = SUNDER_POINTERS, from.samples = shifted_row; }, SUNDER_BAD_ARGUMENT,
      "mixture: expected samples at a multiple of 4 bytes, got 0x");
  in[50] = NAN;
  bad([](auto&, auto&) {}, SUNDER_BAD_AUDIO, "sample 50 of channel 0 is not finite");
  EXPECT_EQ(sunder_separate(session.get(), nullptr, nullptr), SUNDER_BAD_ARGUMENT);
  EXPECT_EQ(sunder_separate(nullptr, nullptr, nullptr), SUNDER_BAD_ARGUMENT);
  EXPECT_EQ(sunder_separate_batch(session.get(), 1, nullptr, nullptr), SUNDER_BAD_ARGUMENT);
  EXPECT_EQ(sunder_separate_batch(session.get(), 0, nullptr, nullptr), SUNDER_OK);
  sunder_audio odd = audio_of(in.data(), 100, 1), to = audio_of(out.data(), 100, 2);
  odd.struct_size = sizeof odd + 1;  // the second struct would lie between addresses
  EXPECT_EQ(sunder_separate_batch(session.get(), 1, &odd, &to), SUNDER_BAD_ARGUMENT);
  EXPECT_NE(std::string(sunder_session_error(session.get()))
                .find(fmt::format("expected struct_size to be a multiple of 8, got {}", sizeof odd + 1)),
            std::string::npos);

  int64_t pulled = 7;
  EXPECT_EQ(sunder_push(session.get(), in.data(), 5), SUNDER_BAD_ARGUMENT);
  EXPECT_EQ(sunder_pull(session.get(), out.data(), 5, &pulled), SUNDER_BAD_ARGUMENT);
  EXPECT_EQ(pulled, 0);
  EXPECT_EQ(sunder_finish(session.get()), SUNDER_BAD_ARGUMENT);
  sunder_audio like = audio_of(nullptr, 0, 1);
  like.memory = SUNDER_DEVICE;
  EXPECT_EQ(sunder_stream_begin(session.get(), &like), SUNDER_BAD_ARGUMENT);
  EXPECT_STREQ(sunder_session_error(session.get()),
               "like.memory: expected SUNDER_HOST, which streams come from, got SUNDER_DEVICE");
  like.memory = SUNDER_HOST;
  ASSERT_EQ(sunder_stream_begin(session.get(), &like), SUNDER_OK);
  ASSERT_EQ(sunder_finish(session.get()), SUNDER_OK);
  EXPECT_EQ(sunder_push(session.get(), out.data(), 5), SUNDER_FAILED);        // after the end
  EXPECT_EQ(sunder_push(session.get(), out.data(), 5), SUNDER_BAD_ARGUMENT);  // the failure ended the stream

  sunder_model_free(nullptr);
  EXPECT_EQ(sunder_model_sources(nullptr), 0);
  EXPECT_EQ(sunder_model_metadata(nullptr, "architecture"), nullptr);
  sunder_session_free(nullptr);
  sunder_cancel(nullptr);
  EXPECT_EQ(sunder_available(nullptr), 0);
  EXPECT_STREQ(sunder_status_name(SUNDER_OUT_OF_MEMORY), "out of memory");
  EXPECT_STREQ(sunder_status_name(static_cast<sunder_status>(99)), "unknown status");
}

}  // namespace
}  // namespace sunder
