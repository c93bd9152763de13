// What the library tells a program's log.
#include <gtest/gtest.h>

#include <mutex>
#include <stdexcept>
#include <thread>

#include "embed/log.h"
#include "tests/embed/client.h"

namespace sunder {
namespace {

struct Log {
  Log() { sunder_set_log(write, this); }
  ~Log() { sunder_set_log(nullptr, nullptr); }
  static void write(void* user, int level, const char* message) {
    Log& log = *static_cast<Log*>(user);
    const std::lock_guard lock(log.mutex);
    log.lines.push_back((level == SUNDER_LOG_WARNING ? "warning: " : "info: ") + std::string(message));
  }
  std::mutex mutex;
  std::vector<std::string> lines;
};

using LogApi = Api;

TEST_F(LogApi, SaysWhatWasLoadedAndHowChunksMeet) {
  Log log;
  const Model model = load(path_);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_EQ(log.lines[0].rfind("info: " + path_ + ": stft-conv-tasnet, 2 sources of 1 channel at 8000 Hz, ", 0), 0u)
      << log.lines[0];
  const Session session = open_session(model, short_chunks());
  separate(session, Signals(1, std::vector<float>(16000)));  // silence: the outputs cannot be told apart
  ASSERT_EQ(log.lines.size(), 5u);                           // chunks of 0.5 s begin every 0.4 s, the last one at 1.5 s
  EXPECT_EQ(log.lines[3],
            "warning: chunks meet at 1.2 s, confidence 0.00: from there on the outputs may have changed places");
  embed::seam_log(8000)({.sample = 12000, .confidence = 0.5});
  EXPECT_EQ(log.lines[5], "info: chunks meet at 1.5 s, confidence 0.50");
}

TEST_F(LogApi, AListenerThatThrowsOrLeavesChangesNothing) {
  sunder_set_log([](void*, int, const char*) { throw std::runtime_error("of the program"); }, nullptr);
  const Model model = load(path_);
  std::vector<float> before, after;
  {
    const Session session = open_session(model, short_chunks());
    before = separate(session, voices(1, 16000));
  }
  std::vector<std::thread> threads;
  for (int k = 0; k < 2; ++k)
    threads.emplace_back([&] {
      const Session session = open_session(model, short_chunks());
      for (int i = 0; i < 5; ++i) separate(session, voices(1, 16000));
    });
  for (int i = 0; i < 50; ++i) {
    Log log;
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  const Session session = open_session(model, short_chunks());
  after = separate(session, voices(1, 16000));
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace sunder
