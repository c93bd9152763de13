// The C API from within one process: what it computes.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "nn/architectures.h"
#include "nn/recording_stream.h"
#include "tensor/memory_forecast.h"
#include "tests/embed/client.h"

namespace sunder {
namespace {

TEST_F(Api, ModelsSayWhatTheyAre) {
  const Model model = load(path_);
  EXPECT_EQ(sunder_model_sources(model.get()), 2);
  EXPECT_EQ(sunder_model_microphones(model.get()), 1);
  EXPECT_EQ(sunder_model_sample_rate(model.get()), 8000);
  EXPECT_EQ(sunder_model_shortest(model.get()), 33);
  EXPECT_STREQ(sunder_model_metadata(model.get(), "architecture"), "stft-conv-tasnet");
  EXPECT_EQ(sunder_model_metadata(model.get(), "nothing"), nullptr);
  EXPECT_EQ(sunder_abi_version(), SUNDER_ABI_VERSION);
  EXPECT_NE(std::string(sunder_build_info()).find(sunder_version()), std::string::npos);
  EXPECT_EQ(sunder_model_microphones(load(write_tf_gridnet(folder_)).get()), 3);
}

// The whole, at the network's rate and others, is what the layers below compute.
TEST_F(Api, SeparatesAsTheLibraryDoes) {
  for (const std::string& path : {path_, write_tf_gridnet(folder_)}) {
    const LoadedModel reference = load_separator(path, "", Precision(DType::float32), cpu_device);
    const Model model = load(path);
    const Session session = open_session(model, short_chunks());
    for (const int rate : {8000, 16000, 44100}) {
      const Signals mixture = voices(sunder_model_microphones(model.get()), 3 * rate / 2 + 1, rate);
      const auto frames = static_cast<int64_t>(mixture[0].size());
      RecordingStream stream(*reference.separator, 8000, rate, {4000, 800});
      std::vector<const float*> from;
      for (const auto& row : mixture) from.push_back(row.data());
      stream.push(from, frames);
      stream.finish();
      std::vector<float> expected(2 * frames);
      stream.pull(std::vector<float*>{expected.data(), expected.data() + frames}, frames);
      EXPECT_EQ(separate(session, mixture, rate), expected) << path << " " << rate;
    }
  }
}

TEST_F(Api, EveryLayoutAndFormatHoldsTheSameSamples) {
  const Model model = load(write_tf_gridnet(folder_));
  const Session session = open_session(model);
  constexpr int64_t frames = 1000;
  Signals mixture = voices(3, frames);
  for (auto& row : mixture)  // what int16 holds exactly
    for (float& sample : row) sample = std::round(sample * 32768) / 32768;
  const std::vector<float> expected = separate(session, mixture);

  std::vector<float> interleaved(3 * frames), out(2 * frames);
  std::vector<int16_t> integers(3 * frames), out_integers(2 * frames);
  for (int64_t t = 0; t < frames; ++t)
    for (int64_t c = 0; c < 3; ++c) {
      interleaved[t * 3 + c] = mixture[c][t];
      integers[t * 3 + c] = static_cast<int16_t>(mixture[c][t] * 32768);
    }
  sunder_audio from = audio_of(interleaved.data(), frames, 3), to = audio_of(out.data(), frames, 2);
  from.layout = to.layout = SUNDER_INTERLEAVED;
  ASSERT_EQ(sunder_separate(session.get(), &from, &to), SUNDER_OK);
  for (int64_t t = 0; t < frames; ++t) {
    ASSERT_EQ(out[2 * t], expected[t]);
    ASSERT_EQ(out[2 * t + 1], expected[frames + t]);
  }

  float* rows[] = {mixture[0].data(), mixture[1].data(), mixture[2].data()};
  float* to_rows[] = {out.data() + frames, out.data()};
  from = audio_of(rows, frames, 3), to = audio_of(to_rows, frames, 2);
  from.layout = to.layout = SUNDER_POINTERS;
  ASSERT_EQ(sunder_separate(session.get(), &from, &to), SUNDER_OK);
  EXPECT_TRUE(std::equal(expected.begin(), expected.begin() + frames, out.begin() + frames));
  EXPECT_TRUE(std::equal(expected.begin() + frames, expected.end(), out.begin()));

  from = audio_of(integers.data(), frames, 3), to = audio_of(out_integers.data(), frames, 2);
  from.layout = SUNDER_INTERLEAVED, from.format = to.format = SUNDER_INT16;
  ASSERT_EQ(sunder_separate(session.get(), &from, &to), SUNDER_OK);
  uint64_t clipped = 0;
  for (int64_t t = 0; t < 2 * frames; ++t) {
    const float scaled = std::nearbyint(expected[t] * 32768);
    clipped += scaled > 32767 || scaled < -32768;
    ASSERT_EQ(out_integers[t], static_cast<int16_t>(std::clamp(scaled, -32768.0f, 32767.0f)));
  }
  EXPECT_EQ(sunder_clipped(session.get()), clipped);
}

TEST_F(Api, ClippedSamplesAreCounted) {
  const Session session = open_session(load(path_));
  std::vector<float> in(4000), out_float(8000);
  std::vector<int16_t> out(8000);
  for (size_t t = 0; t < in.size(); ++t) in[t] = t / 20 % 2 ? 4.0f : -4.0f;
  const sunder_audio louder = audio_of(in.data(), 4000, 1, 16000);
  sunder_audio to = audio_of(out.data(), 4000, 2);
  to.format = SUNDER_INT16;
  ASSERT_EQ(sunder_separate(session.get(), &louder, &to), SUNDER_OK);
  const uint64_t clipped = sunder_clipped(session.get());
  EXPECT_GT(clipped, 1000u);
  EXPECT_EQ(
      std::ranges::count_if(out, [](int16_t x) { return x == 32767 || x == -32768; }) >= static_cast<int64_t>(clipped),
      true);
  const sunder_audio to_float = audio_of(out_float.data(), 4000, 2);
  ASSERT_EQ(sunder_separate(session.get(), &louder, &to_float), SUNDER_OK);
  EXPECT_EQ(sunder_clipped(session.get()), 0u);
  EXPECT_GT(*std::ranges::max_element(out_float), 1.0f);
}

TEST_F(Api, StreamsGiveTheSamplesOfTheWhole) {
  const Model model = load(path_);
  const Session session = open_session(model, short_chunks());
  for (const int rate : {8000, 44100}) {
    const Signals mixture = voices(1, 2 * rate + 17, rate);
    const auto frames = static_cast<int64_t>(mixture[0].size());
    const std::vector<float> expected = separate(session, mixture, rate);
    for (const int64_t block : {160, 4001, 100000}) {
      const sunder_audio like = audio_of(nullptr, 0, 1, rate);
      ASSERT_EQ(sunder_stream_begin(session.get(), &like), SUNDER_OK);
      Signals found(2);
      int64_t lag = 0;
      const auto pull = [&] {
        std::vector<float> to(2 * 1000);
        int64_t count = 0;
        do {
          ASSERT_EQ(sunder_pull(session.get(), to.data(), 1000, &count), SUNDER_OK);
          for (int64_t s = 0; s < 2; ++s)
            found[s].insert(found[s].end(), to.begin() + s * 1000, to.begin() + s * 1000 + count);
        } while (count > 0);
      };
      for (int64_t begin = 0; begin < frames; begin += block) {
        const int64_t count = std::min(block, frames - begin);
        ASSERT_EQ(sunder_push(session.get(), mixture[0].data() + begin, count), SUNDER_OK);
        pull();
        lag = std::max(lag, begin + count - static_cast<int64_t>(found[0].size()));
      }
      EXPECT_LE(lag, sunder_delay(session.get()));
      ASSERT_EQ(sunder_finish(session.get()), SUNDER_OK);
      pull();
      EXPECT_EQ(sunder_available(session.get()), 0);
      EXPECT_EQ(planar(found), expected) << rate << " " << block;
    }
  }
}

TEST_F(Api, BatchesOfUnequalLengthsAreAsOneByOne) {
  const Session session = open_session(load(path_), short_chunks());
  const int64_t lengths[] = {1000, 3000, 1000, 9000, 0, 1000, 5};
  std::vector<std::vector<float>> in, out;
  std::vector<sunder_audio> mixtures, estimates;
  for (const int64_t frames : lengths) {
    in.push_back(voices(1, frames + 10)[0]);
    for (float& sample : in.back()) sample *= 1 + 0.1f * static_cast<float>(in.size());
    out.emplace_back(2 * frames + 1, -7.0f);
    mixtures.push_back(audio_of(in.back().data(), frames, 1));
  }
  for (size_t i = 0; i < std::size(lengths); ++i) estimates.push_back(audio_of(out[i].data(), lengths[i], 2));
  ASSERT_EQ(sunder_separate_batch(session.get(), mixtures.size(), mixtures.data(), estimates.data()), SUNDER_OK)
      << sunder_session_error(session.get());
  for (size_t i = 0; i < std::size(lengths); ++i) {
    EXPECT_EQ(out[i].back(), -7.0f);  // nothing was written behind the end
    if (lengths[i] == 0) continue;
    std::vector<float> one(2 * lengths[i]);
    const sunder_audio to = audio_of(one.data(), lengths[i], 2);
    ASSERT_EQ(sunder_separate(session.get(), &mixtures[i], &to), SUNDER_OK);
    for (size_t t = 0; t < one.size(); ++t) ASSERT_NEAR(out[i][t], one[t], 1e-6) << i << " " << t;
  }
}

TEST_F(Api, ModelsFromMemoryAreThoseFromFiles) {
  std::ifstream file(path_, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  sunder_model* loaded = nullptr;
  ASSERT_EQ(sunder_model_load_memory(bytes.data(), bytes.size(), nullptr, &loaded), SUNDER_OK) << sunder_last_error();
  const Model model(loaded);
  bytes.assign(bytes.size(), 'x');
  const Signals mixture = voices(1, 2000);
  EXPECT_EQ(separate(open_session(model), mixture), separate(open_session(load(path_)), mixture));
}

TEST_F(Api, AModelLivesAsLongAsItsSessions) {
  Model model = load(path_);
  const Session session = open_session(model);
  const std::vector<float> before = separate(session, voices(1, 2000));
  model.reset();
  EXPECT_EQ(separate(session, voices(1, 2000)), before);
}

TEST_F(Api, ASilentRecordingAndNoneAtAllAreFine) {
  const Session session = open_session(load(path_));
  EXPECT_EQ(separate(session, Signals(1, std::vector<float>(500))), std::vector<float>(1000));
  const sunder_audio nothing = audio_of(nullptr, 0, 1), none = audio_of(nullptr, 0, 2);
  EXPECT_EQ(sunder_separate(session.get(), &nothing, &none), SUNDER_OK) << sunder_session_error(session.get());
}

TEST_F(Api, ProgressIsReportedAndMayCancel) {
  struct Seen {
    std::vector<int64_t> done;
    int64_t stop_at = INT64_MAX;
  } seen;
  sunder_session_params params = short_chunks();
  params.progress = [](void* user, int64_t done, int64_t total) {
    auto* to = static_cast<Seen*>(user);
    EXPECT_EQ(total, 200000);
    to->done.push_back(done);
    return done >= to->stop_at ? 1 : 0;
  };
  params.progress_user = &seen;
  const Session session = open_session(load(path_), params);
  const Signals mixture = voices(1, 200000);
  const std::vector<float> whole = separate(session, mixture);
  ASSERT_GE(seen.done.size(), 3u);
  EXPECT_TRUE(std::ranges::is_sorted(seen.done));
  EXPECT_EQ(seen.done.back(), 200000);
  seen.stop_at = 100000;
  std::vector<float> in = mixture[0], out(400000);
  const sunder_audio from = audio_of(in.data(), 200000, 1), to = audio_of(out.data(), 200000, 2);
  EXPECT_EQ(sunder_separate(session.get(), &from, &to), SUNDER_CANCELLED);
  seen.stop_at = INT64_MAX;
  EXPECT_EQ(separate(session, mixture), whole);
}

TEST_F(Api, StreamsReportWhatWasPushedAndEndWhenCancelled) {
  struct Seen {
    int64_t done = 0, total = 0;
    bool stop = false;
  } seen;
  sunder_session_params params = short_chunks();
  params.progress = [](void* user, int64_t done, int64_t total) {
    *static_cast<Seen*>(user) = {done, total, static_cast<Seen*>(user)->stop};
    return static_cast<Seen*>(user)->stop ? 1 : 0;
  };
  params.progress_user = &seen;
  const Session session = open_session(load(path_), params);
  const sunder_audio like = audio_of(nullptr, 0, 1);
  const std::vector<float> mixture = voices(1, 3000)[0];
  ASSERT_EQ(sunder_stream_begin(session.get(), &like), SUNDER_OK);
  ASSERT_EQ(sunder_push(session.get(), mixture.data(), 3000), SUNDER_OK);
  ASSERT_EQ(sunder_push(session.get(), mixture.data(), 2000), SUNDER_OK);
  EXPECT_EQ(seen.done, 5000);
  EXPECT_EQ(seen.total, -1);
  seen.stop = true;
  EXPECT_EQ(sunder_push(session.get(), mixture.data(), 3000), SUNDER_CANCELLED);
  EXPECT_EQ(sunder_finish(session.get()), SUNDER_BAD_ARGUMENT);
}

// Another thread waits until the call has begun, tries the session, and cancels.
TEST_F(Api, OneThreadAtATimeAndCancelledByAnother) {
  struct Shared {
    std::atomic<sunder_session*> session = nullptr;
    std::atomic<bool> begun = false;
    std::atomic<bool> tried = false;
  } shared;
  sunder_session_params params = short_chunks();
  params.progress = [](void* user, int64_t, int64_t) {
    auto* with = static_cast<Shared*>(user);
    with->begun = true;
    with->begun.notify_all();
    with->tried.wait(false);
    return 0;
  };
  params.progress_user = &shared;
  const Session session = open_session(load(path_), params);
  std::thread other([&] {
    shared.begun.wait(false);
    int64_t pulled = 0;
    float sample = 0;
    EXPECT_EQ(sunder_pull(session.get(), &sample, 1, &pulled), SUNDER_BUSY);
    sunder_cancel(session.get());
    shared.tried = true;
    shared.tried.notify_all();
  });
  std::vector<float> in = voices(1, 300000)[0], out(600000);
  const sunder_audio from = audio_of(in.data(), 300000, 1), to = audio_of(out.data(), 300000, 2);
  EXPECT_EQ(sunder_separate(session.get(), &from, &to), SUNDER_CANCELLED);
  other.join();
  EXPECT_EQ(sunder_separate(session.get(), &from, &to), SUNDER_OK);
}

TEST_F(Api, SessionsOfOneModelDoNotDisturbOneAnother) {
  const Model model = load(path_);
  const Signals mixture = voices(1, 12000);
  const std::vector<float> expected = separate(open_session(model, short_chunks()), mixture);
  std::vector<std::thread> threads;
  std::atomic<int> equal = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      sunder_session_params params = short_chunks();
      params.threads = i;
      const Session session = open_session(model, params);
      for (int call = 0; call < 5; ++call) equal += separate(session, mixture) == expected;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, 20);
}

TEST_F(Api, MemoryIsForeseenAndLimited) {
  const Model model = load(write_tf_gridnet(folder_));
  sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
  params.chunk_seconds = 4;
  const Session free_session = open_session(model, params);
  uint64_t second = 0, chunk = 0, hour = 0, short_one = 0;
  ASSERT_EQ(sunder_session_memory(free_session.get(), 8000, 8000, &second), SUNDER_OK);
  ASSERT_EQ(sunder_session_memory(free_session.get(), 4 * 8000, 8000, &chunk), SUNDER_OK);
  ASSERT_EQ(sunder_session_memory(free_session.get(), int64_t{3600} * 44100, 44100, &hour), SUNDER_OK);
  ASSERT_EQ(sunder_session_memory(free_session.get(), 10, 8000, &short_one), SUNDER_OK);
  EXPECT_GT(short_one, 0u);
  EXPECT_GT(second, short_one);
  EXPECT_GT(chunk, second);
  EXPECT_EQ(hour, chunk);
  EXPECT_EQ(sunder_session_memory(free_session.get(), 0, 8000, &hour), SUNDER_BAD_ARGUMENT);

  // A session with that much and the forecast's error has enough; one with half of it says so and can go on.
  params.memory_limit = static_cast<uint64_t>(static_cast<double>(chunk) * (1 + memory_forecast_error));
  const Signals mixture = voices(3, 4 * 8000);
  EXPECT_EQ(separate(open_session(model, params), mixture), separate(free_session, mixture));
  params.memory_limit = chunk / 2;
  const Session small = open_session(model, params);
  ASSERT_EQ(sunder_session_memory(small.get(), 4 * 8000, 8000, &hour), SUNDER_OK);
  EXPECT_EQ(hour, chunk);
  std::vector<float> in = planar(mixture), out(2 * 4 * 8000);
  const sunder_audio from = audio_of(in.data(), 4 * 8000, 3), to = audio_of(out.data(), 4 * 8000, 2);
  EXPECT_EQ(sunder_separate(small.get(), &from, &to), SUNDER_OUT_OF_MEMORY);
  EXPECT_NE(std::string(sunder_session_error(small.get())).find("a limit of"), std::string::npos);
  EXPECT_EQ(separate(small, voices(3, 2000)), separate(free_session, voices(3, 2000)));
}

// Twenty recordings of half a chunk in the memory of one chunk.
TEST_F(Api, ABatchTakesNoMoreMemoryThanAChunk) {
  const Model model = load(path_);
  sunder_session_params params = short_chunks();
  uint64_t chunk = 0;
  ASSERT_EQ(sunder_session_memory(open_session(model, params).get(), 4000, 8000, &chunk), SUNDER_OK);
  params.memory_limit = static_cast<uint64_t>(static_cast<double>(chunk) * (1 + memory_forecast_error));
  const Session session = open_session(model, params);
  std::vector<float> in = voices(1, 2000)[0], out(20 * 2 * 2000);
  std::vector<sunder_audio> mixtures, estimates;
  for (int i = 0; i < 20; ++i) {
    mixtures.push_back(audio_of(in.data(), 2000, 1));
    estimates.push_back(audio_of(out.data() + i * 2 * 2000, 2000, 2));
  }
  EXPECT_EQ(sunder_separate_batch(session.get(), 20, mixtures.data(), estimates.data()), SUNDER_OK)
      << sunder_session_error(session.get());
}

TEST_F(Api, NoThreadsStayBehind) {
  const auto threads_of_process = [] {
    const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const auto before = threads_of_process();
  for (int i = 0; i < 3; ++i) {
    sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
    params.threads = 3;
    const Model model = load(path_);
    separate(open_session(model, params), voices(1, 40000));
    EXPECT_GT(threads_of_process(), before);
  }
  EXPECT_EQ(threads_of_process(), before);
}

}  // namespace
}  // namespace sunder
