// POST /v1/stream: samples go out while they come in.
#include <cstring>

#include "tests/serve/raw_client.h"
#include "tests/serve/serve_fixture.h"

namespace sunder::serve {
namespace {

std::string bytes_of(const std::vector<float>& samples) {
  return {reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(float)};
}

std::string chunk(const std::string& bytes) { return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes); }

// The bytes of a body of chunks, as far as it goes; whether its last chunk is there.
std::pair<std::string, bool> unchunked(std::string_view answer) {
  std::string body;
  answer.remove_prefix(std::min(answer.find("\r\n\r\n") + 4, answer.size()));
  while (answer.find("\r\n") != std::string_view::npos) {
    const size_t size = std::stoul(std::string(answer.substr(0, answer.find("\r\n"))), nullptr, 16);
    if (size == 0) return {body, true};
    answer.remove_prefix(answer.find("\r\n") + 2);
    if (answer.size() < size + 2) break;
    body += answer.substr(0, size);
    answer.remove_prefix(size + 2);
  }
  return {body, false};
}

class StreamTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    start(small_server(fast_));
    sunder_session_params params = SUNDER_SESSION_PARAMS_INIT;
    params.chunk_seconds = 1;
    expected_.resize(2 * frames);
    std::vector<float> in = mixture_[0];
    const sunder_audio from = audio_of(in.data(), frames, 1, 8000);
    sunder_audio to = audio_of(expected_.data(), frames, 2);
    to.layout = SUNDER_INTERLEAVED;
    ASSERT_EQ(sunder_separate(create_session(model_.get(), params).get(), &from, &to), SUNDER_OK);
  }
  static std::string head(const std::string& query) {
    return "POST /v1/stream?" + query + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  }

  static constexpr int64_t frames = 40000;
  const Signals mixture_ = voices(1, frames);
  std::vector<float> expected_;  // of chunks of a second, interleaved
};

TEST_F(StreamTest, VoicesComeWhileSamplesDo) {
  RawClient client(server_->port());
  client.send(head("rate=8000&chunk_seconds=1"));
  const std::string begun = client.read("\r\n\r\n");
  EXPECT_EQ(begun.substr(0, 12), "HTTP/1.1 200") << begun;
  EXPECT_NE(begun.find("X-Sunder-Delay-Frames: 8000\r\n"), std::string::npos) << begun;
  const std::string bytes = bytes_of(mixture_[0]);
  size_t sent = 0, lag = 0;
  for (const size_t count : {1, 31999, 32000, 3, 63997, 32000}) {
    client.send(chunk(bytes.substr(sent, count)));
    sent += count;
    // A second and what was cut off: of the rest the voices must have come.
    const size_t due = sent / 4 > 8000 ? (sent / 4 - 8000) * 8 : 0;
    for (int i = 0; i < 100 && unchunked(client.read("", 50)).first.size() < due; ++i) {
    }
    EXPECT_GE(unchunked(client.read("", 1)).first.size(), due);
    lag = std::max(lag, due);
  }
  EXPECT_GT(lag, 100000u) << "nothing was due before the end";
  ASSERT_EQ(sent, bytes.size());
  client.send("0\r\n\r\n");
  const auto [voices, whole] = unchunked(client.read("\r\n0\r\n\r\n"));
  EXPECT_TRUE(whole);
  EXPECT_EQ(voices, bytes_of(expected_)) << "the same bits";
  log_with("path=/v1/stream status=200");
}

TEST_F(StreamTest, AClientMaySendAllBeforeItReads) {
  auto client = this->client();
  const auto answer =
      client.Post("/v1/stream?rate=8000&chunk_seconds=1", bytes_of(mixture_[0]), "application/octet-stream");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, bytes_of(expected_));
  EXPECT_EQ(client.Get("/health")->status, 200) << "on the same connection";
}

TEST_F(StreamTest, Int16IsThatOfTheApi) {
  std::string in, out;
  for (const float sample : mixture_[0]) {
    const auto value = static_cast<int16_t>(std::lrint(sample * 32768));
    in.append(reinterpret_cast<const char*>(&value), 2);
  }
  const auto answer = client().Post("/v1/stream?rate=8000&encoding=s16le", in, "application/octet-stream");
  ASSERT_TRUE(answer && answer->status == 200);
  std::vector<int16_t> from(frames), to(2 * frames);
  std::memcpy(from.data(), in.data(), in.size());
  sunder_audio mixture = audio_of(from.data(), frames, 1, 8000), estimates = audio_of(to.data(), frames, 2);
  mixture.format = estimates.format = SUNDER_INT16;
  estimates.layout = SUNDER_INTERLEAVED;
  ASSERT_EQ(sunder_separate(create_session(model_.get(), SUNDER_SESSION_PARAMS_INIT).get(), &mixture, &estimates),
            SUNDER_OK);
  EXPECT_EQ(answer->body, std::string(reinterpret_cast<const char*>(to.data()), to.size() * 2));
}

TEST_F(StreamTest, WhatGoesWrongEndsTheAnswerWithoutItsEnd) {
  std::string bad = bytes_of(mixture_[0]);
  const float nan = NAN;
  std::memcpy(bad.data() + 4000, &nan, 4);
  for (const std::string& bytes : {bad, bytes_of(mixture_[0]).substr(0, 4001)}) {
    RawClient client(server_->port());
    client.send(head("rate=8000&chunk_seconds=1") + chunk(bytes) + "0\r\n\r\n");
    EXPECT_FALSE(unchunked(client.read()).second);
  }
  log_with("not finite");
  log_with("expected whole frames of 4 bytes, got 1 bytes");
  RawClient gone(server_->port());
  gone.send(head("rate=8000") + chunk("abcd"));
  gone.close();
  log_with("the connection ended before the body did");
}

TEST_F(StreamTest, StreamsAreBounded) {
  RawClient first(server_->port());
  first.send(head("rate=8000"));
  EXPECT_EQ(first.read("\r\n\r\n").substr(0, 12), "HTTP/1.1 200");
  const auto second = client().Post("/v1/stream?rate=8000", std::string(4, '\0'), "application/octet-stream");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->status, 429);
  EXPECT_FALSE(second->get_header_value("Retry-After").empty());
  first.send(chunk(std::string(4, '\0')) + "0\r\n\r\n");
  EXPECT_TRUE(unchunked(first.read("\r\n0\r\n\r\n")).second);
  log_with("path=/v1/stream status=200");
  EXPECT_EQ(client().Post("/v1/stream?rate=8000", std::string(4, '\0'), "application/octet-stream")->status, 200);
}

}  // namespace
}  // namespace sunder::serve
