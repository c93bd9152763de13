#include "serve/work_queue.h"

#include "tests/serve/serve_fixture.h"

namespace sunder::serve {
namespace {

using namespace std::chrono_literals;

QueueOptions one_session() { return small_server("").queue; }

class WorkQueueTest : public Api {
 protected:
  Clock::time_point soon() const { return Clock::now() + 20s; }
  // Keeps the only session of a slow network busy until it is cancelled.
  std::shared_ptr<Job> keep_busy(WorkQueue& queue) {
    const auto job = queue.submit(queue.enter(), sound_of(voices(1, 8000 * 200)));
    while (queue.counts().running == 0) std::this_thread::sleep_for(1ms);
    return job;
  }
  serve::Model slow() {
    ModelChoice choice;
    choice.path = write_slow_network(folder_);
    return load_model(choice);
  }
};

TEST_F(WorkQueueTest, GivesTheSamplesOfTheApi) {
  const sunder::Model model = load(path_);
  const sunder::Session session = open_session(model);
  QueueOptions options = one_session();
  options.sessions = 2, options.waiting = 3;
  WorkQueue queue(model.get(), options);
  std::vector<std::shared_ptr<Job>> jobs;
  const std::vector<std::pair<int64_t, int>> lengths = {
      {8000, 8000}, {3, 8000}, {44100, 44100}, {8000, 8000}, {20001, 16000}};
  for (const auto& [frames, rate] : lengths)
    jobs.push_back(queue.submit(queue.enter(), sound_of(voices(1, frames, rate), rate)));
  for (size_t i = 0; i < jobs.size(); ++i) {
    ASSERT_TRUE(queue.wait(*jobs[i], soon()));
    EXPECT_EQ(jobs[i]->status, SUNDER_OK) << jobs[i]->message;
    EXPECT_EQ(jobs[i]->estimates, separate(session, voices(1, lengths[i].first, lengths[i].second), lengths[i].second));
    EXPECT_EQ(jobs[i]->together, 1);
  }
}

TEST_F(WorkQueueTest, PlacesAreBoundedAndComeBack) {
  const sunder::Model model = load(path_);
  WorkQueue queue(model.get(), one_session());
  std::vector<std::shared_ptr<void>> places;
  for (int i = 0; i < 3; ++i) places.push_back(queue.enter());
  EXPECT_EQ(queue.enter(), nullptr) << "one session, two that wait";
  EXPECT_EQ(queue.counts().places, 3);
  auto job = queue.submit(std::move(places[0]), sound_of(voices(1, 4000)));
  ASSERT_TRUE(queue.wait(*job, soon()));
  EXPECT_EQ(queue.enter(), nullptr) << "its result still takes memory";
  job.reset();
  for (int i = 0; i < 1000 && queue.counts().places > 2; ++i) std::this_thread::sleep_for(1ms);  // the worker's share
  EXPECT_NE(queue.enter(), nullptr);
  EXPECT_GE(queue.retry_after_seconds(), 1);
}

TEST_F(WorkQueueTest, WaitingRecordingsOfOneLengthRunTogether) {
  const serve::Model model = slow();
  QueueOptions options = one_session();
  options.chunk_seconds = 1, options.overlap_seconds = 0.25, options.waiting = 10, options.batch = 3;
  WorkQueue queue(model.get(), options);
  const auto busy = keep_busy(queue);
  std::vector<std::shared_ptr<Job>> jobs;
  for (const int64_t frames : {4000, 3000, 4000, 4000, 4000, 20000, 20000})
    jobs.push_back(queue.submit(queue.enter(), sound_of(voices(1, frames))));
  EXPECT_EQ(queue.counts().waiting, 7);
  EXPECT_FALSE(queue.cancel(*busy)) << "it had begun";
  std::vector<int> together;
  sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
  params.chunk_seconds = 1, params.overlap_seconds = 0.25;
  const serve::Session alone = create_session(model.get(), params);
  for (const auto& job : jobs) {
    ASSERT_TRUE(queue.wait(*job, soon()));
    ASSERT_EQ(job->status, SUNDER_OK) << job->message;
    together.push_back(job->together);
    std::vector<float> in = job->mixture.samples, out(2 * in.size());
    const auto frames = static_cast<int64_t>(in.size());
    const sunder_audio from = audio_of(in.data(), frames, 1, 8000), to = audio_of(out.data(), frames, 2);
    ASSERT_EQ(sunder_separate(alone.get(), &from, &to), SUNDER_OK);
    for (size_t t = 0; t < out.size(); ++t) ASSERT_NEAR(job->estimates[t], out[t], 1e-5);
  }
  EXPECT_EQ(together, (std::vector<int>{3, 1, 3, 3, 1, 1, 1})) << "at most three; what is longer than a chunk alone";
  EXPECT_EQ(busy->status, SUNDER_CANCELLED);
}

TEST_F(WorkQueueTest, WhatNobodyWantsIsDropped) {
  const serve::Model model = slow();
  QueueOptions options = one_session();
  options.chunk_seconds = 1, options.overlap_seconds = 0.25;
  WorkQueue queue(model.get(), options);
  const auto running = keep_busy(queue), waiting = queue.submit(queue.enter(), sound_of(voices(1, 4000)));
  EXPECT_FALSE(queue.wait(*waiting, Clock::now() + 20ms));
  EXPECT_TRUE(queue.cancel(*waiting)) << "it had not begun";
  EXPECT_EQ(queue.counts().waiting, 0);
  EXPECT_FALSE(queue.cancel(*running));
  const Clock::time_point begin = Clock::now();
  ASSERT_TRUE(queue.wait(*running, soon()));
  EXPECT_EQ(running->status, SUNDER_CANCELLED);
  EXPECT_LT(Clock::now() - begin, 5s) << "minutes of work were left";
  const auto next = queue.submit(queue.enter(), sound_of(voices(1, 4000)));
  ASSERT_TRUE(queue.wait(*next, soon()));
  EXPECT_EQ(next->status, SUNDER_OK) << "the session works on";
}

TEST_F(WorkQueueTest, EndsAtOnceWithWorkLeft) {
  const serve::Model model = slow();
  std::shared_ptr<Job> running, waiting;
  const Clock::time_point begin = Clock::now();
  {
    QueueOptions options = one_session();
    options.chunk_seconds = 1, options.overlap_seconds = 0.25;
    WorkQueue queue(model.get(), options);
    running = keep_busy(queue);
    waiting = queue.submit(queue.enter(), sound_of(voices(1, 8000 * 200)));
  }
  EXPECT_LT(Clock::now() - begin, 5s);
  EXPECT_EQ(running->status, SUNDER_CANCELLED);
  EXPECT_TRUE(waiting->estimates.empty());
}

TEST_F(WorkQueueTest, ARecordingThatCannotBeSeparatedSaysWhy) {
  const sunder::Model model = load(path_);
  WorkQueue queue(model.get(), one_session());
  Signals mixture = voices(1, 4000);
  mixture[0][7] = NAN;
  const auto job = queue.submit(queue.enter(), sound_of(mixture));
  ASSERT_TRUE(queue.wait(*job, soon()));
  EXPECT_EQ(job->status, SUNDER_BAD_AUDIO);
  EXPECT_NE(job->message.find("sample 7 of channel 0"), std::string::npos) << job->message;
}

}  // namespace
}  // namespace sunder::serve
