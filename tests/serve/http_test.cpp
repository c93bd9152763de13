// The server in this process, by a client of cpp-httplib and by one that sends what it likes.
#include "serve/http_server.h"

#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "files/file_io.h"
#include "files/temporary.h"
#include "tests/serve/raw_client.h"
#include "tests/serve/serve_fixture.h"

namespace sunder::serve {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* octets = "application/octet-stream";

std::string error_of(const httplib::Result& result) { return json::parse(result->body)["error"]; }

// Samples of a file in an answer of JSON.
std::string decode_base64(const std::string& text) {
  std::string bytes;
  uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (c == '=') break;
    group = group << 6 | static_cast<uint32_t>(digits.find(c));
    if ((bits += 6) >= 8) bytes += static_cast<char>(group >> (bits -= 8) & 255);
  }
  return bytes;
}

class HttpTest : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    recording_ = wav_of(mixture_);
  }
  ServeOptions slow_server() {
    ServeOptions options = small_server(write_slow_network(folder_));
    options.queue.chunk_seconds = 1, options.queue.overlap_seconds = 0.25;
    return options;
  }
  // Minutes of work for the slow network.
  static std::string long_recording() { return wav_of(voices(1, 8000 * 200), 8000, WavFormat::pcm16); }
  static std::string head(const std::string& path, const std::string& more) {
    return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
  }
  template <class Condition>
  static bool comes_true(const Condition& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
    return condition();
  }
  bool metric_is(const std::string& line) {
    const auto answer = client().Get("/metrics");
    return answer && answer->body.find(line + "\n") != std::string::npos;
  }

  const Signals mixture_ = voices(1, 12345);
  std::string recording_;
};

TEST_F(HttpTest, VoicesAreThoseOfTheApi) {
  start(small_server(fast_));
  const sunder::Model model = load(fast_);
  const std::vector<float> expected = sunder::separate(open_session(model), mixture_);
  const auto answer = client().Post("/v1/separate?format=json", recording_, octets);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->status, 200) << answer->body;
  const json said = json::parse(answer->body);
  EXPECT_EQ(said["sample_rate"], 8000);
  EXPECT_EQ(said["id"], answer->get_header_value("X-Request-Id"));
  ASSERT_EQ(said["voices"].size(), 2u);
  for (int v = 0; v < 2; ++v) {
    const std::vector<float> voice(expected.begin() + v * 12345, expected.begin() + (v + 1) * 12345);
    EXPECT_EQ(decode_base64(said["voices"][v]["wav"]), wav_in_memory(voice, 8000, WavFormat::float32).bytes);
  }
  log_with("path=/v1/separate status=200");
}

TEST_F(HttpTest, FilesComeInEveryWay) {
  start(small_server(fast_));
  auto client = this->client();
  const auto raw = client.Post("/v1/separate", recording_, octets);
  ASSERT_TRUE(raw && raw->status == 200);
  EXPECT_EQ(raw->get_header_value("Content-Type"), "application/zip");
  EXPECT_EQ(raw->get_header_value("X-Sunder-Voices"), "2");
  const auto form = client.Post(
      "/v1/separate",
      httplib::MultipartFormDataItems{{"note", "hello", "", ""}, {"file", recording_, "../../x.wav", "audio/wav"}});
  ASSERT_TRUE(form && form->status == 200) << form->body;
  EXPECT_EQ(form->body, raw->body);
  size_t sent = 0;
  const auto chunked = client.Post(
      "/v1/separate",
      [&](size_t, httplib::DataSink& sink) {
        const size_t count = std::min<size_t>(recording_.size() - sent, 1000);
        sink.write(recording_.data() + sent, count);
        if ((sent += count) == recording_.size()) sink.done();
        return true;
      },
      octets);
  ASSERT_TRUE(chunked && chunked->status == 200);
  EXPECT_EQ(chunked->body, raw->body);
  const auto without =
      client.Post("/v1/separate", httplib::MultipartFormDataItems{{"sound", recording_, "x.wav", "audio/wav"}});
  ASSERT_TRUE(without);
  EXPECT_EQ(without->status, 400);
  EXPECT_EQ(error_of(without), "expected a field named file in the multipart body");
}

TEST_F(HttpTest, Int16SaysWhatItClipped) {
  start(small_server(fast_));
  Signals loud = mixture_;
  for (float& sample : loud[0]) sample *= 6;
  const auto answer = client().Post("/v1/separate?encoding=int16", wav_of(loud), octets);
  ASSERT_TRUE(answer && answer->status == 200);
  EXPECT_GT(std::stoi(answer->get_header_value("X-Sunder-Clipped-Samples")), 100);
  const auto whole = client().Post("/v1/separate", wav_of(loud), octets);
  EXPECT_EQ(whole->get_header_value("X-Sunder-Clipped-Samples"), "0");
  log_with("clipped_samples=");
}

TEST_F(HttpTest, OutputsAreMergedAsBySunderSeparate) {
  start(small_server(fast_));
  const auto answer = client().Post("/v1/separate?format=json&sources=1", recording_, octets);
  ASSERT_TRUE(answer && answer->status == 200);
  const json said = json::parse(answer->body);
  ASSERT_EQ(said["voices"].size(), 1u);
  EXPECT_EQ(said["voices"][0]["outputs"], (std::vector<int>{1, 2}));
  write("sum.wav", decode_base64(said["voices"][0]["wav"]));
  const auto sum = read_mono(folder_ / "sum.wav").samples;
  ASSERT_EQ(sum.size(), mixture_[0].size());
  for (size_t t = 0; t < sum.size(); ++t) ASSERT_NEAR(sum[t], mixture_[0][t], 1e-4) << "the masks add up to one";
}

TEST_F(HttpTest, RefusalsHaveAStatusAndASentence) {
  ServeOptions options = small_server(fast_);
  options.limits.bytes = 60000, options.limits.audio_seconds = 2;
  start(options);
  auto client = this->client();
  const auto post = [&](const std::string& path, const std::string& body) {
    const auto answer = client.Post(path, body, octets);
    EXPECT_TRUE(answer) << path;
    EXPECT_FALSE(error_of(answer).empty());
    return answer->status;
  };
  EXPECT_EQ(post("/v1/separate", "no sound at all"), 415);
  EXPECT_EQ(post("/v1/separate", ""), 400);
  EXPECT_EQ(post("/v1/separate", recording_.substr(0, 20000)), 400);
  EXPECT_EQ(post("/v1/separate?format=rar", recording_), 400);
  EXPECT_EQ(post("/v1/separate?format=zip&format=json", recording_), 400);
  EXPECT_EQ(post("/v1/separate", wav_of(voices(2, 1000))), 400);
  EXPECT_EQ(post("/v1/separate", std::string(60001, 'x')), 413);
  EXPECT_EQ(post("/v1/separate", wav_of(voices(1, 20000), 8000, WavFormat::pcm16)), 413);
  EXPECT_EQ(post("/v1/stream", recording_), 400);
  EXPECT_EQ(post("/v2/separate", recording_), 404);
  EXPECT_EQ(post("/metrics", ""), 405);
  EXPECT_EQ(client.Get("/v1/separate")->status, 405);
  EXPECT_EQ(client.Get("/v1/separate")->get_header_value("Allow"), "POST");
  EXPECT_EQ(client.Get("/../../etc/passwd")->status, 404);
  EXPECT_EQ(client.Delete("/")->status, 405);
  // A body of chunks has no length that could be refused at once.
  const auto endless = client.Post(
      "/v1/separate", [](size_t, httplib::DataSink& sink) { return sink.write("xxxxxxxxxxxxxxxx", 16); }, octets);
  EXPECT_TRUE(!endless || endless->status == 413);
  EXPECT_EQ(client.Get("/health")->status, 200);
  EXPECT_TRUE(metric_is("sunder_requests_total{endpoint=\"/v1/separate\",status=\"413\"} 3"));
  EXPECT_TRUE(metric_is("sunder_places_taken 0"));
}

TEST_F(HttpTest, HeadsThatHideRequestsAreRefused) {
  start(small_server(fast_));
  const auto said = [&](const std::string& bytes) {
    RawClient raw(server_->port());
    raw.send(bytes);
    return raw.read("}\n").substr(0, 12) +
           (raw.read().find("Connection: close") != std::string::npos ? " and ends" : "");
  };
  const std::string path = "/v1/separate";
  EXPECT_EQ(said(head(path, "")), "HTTP/1.1 411 and ends");
  EXPECT_EQ(said(head(path, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"),
            "HTTP/1.1 400 and ends");
  EXPECT_EQ(said(head(path, "Content-Length: 5\r\nContent-Length: 6\r\n") + "abcde"), "HTTP/1.1 400 and ends");
  EXPECT_EQ(said(head(path, "Content-Length: +5\r\n") + "abcde"), "HTTP/1.1 400 and ends");
  EXPECT_EQ(said(head(path, "Transfer-Encoding: gzip\r\n")), "HTTP/1.1 501 and ends");
  EXPECT_EQ(said("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n"), "HTTP/1.1 200 and ends");
  EXPECT_EQ(said("nonsense\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(said("GET /health HTTP/1.1\r\nConnection: close\r\nSec-Fetch-Site: cross-site\r\n\r\n").substr(0, 12),
            "HTTP/1.1 403");
  EXPECT_EQ(said("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n").substr(0, 12), "HTTP/1.1 414");
}

TEST_F(HttpTest, HeadsAndChunksOfAnySizeTakeNoMemory) {
  start(small_server(fast_));
  const auto peak_kib = [] {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss;
  };
  const std::string header = "X-Flood: " + std::string(1000, 'x') + "\r\n", zeros(1 << 20, '0');
  EXPECT_EQ(client().Get("/health")->status, 200);
  const auto before = peak_kib();
  RawClient flood(server_->port()), line(server_->port());
  flood.send("GET /health HTTP/1.1\r\n");
  for (int i = 0; i < 100000 && flood.send(header); ++i) {
  }
  line.send(head("/v1/separate", "Transfer-Encoding: chunked\r\n"));
  for (int i = 0; i < 100 && line.send(zeros); ++i) {
  }
  log_with("path=/v1/separate status=400");
  log_with("method=\"\" path=\"\" status=400");
  EXPECT_LT(peak_kib() - before, 30 << 10) << "100 MB of headers, and of a chunk's size";
  EXPECT_EQ(client().Get("/health")->status, 200);
}

TEST_F(HttpTest, HalfABodyEndsTheRequest) {
  ServeOptions options = small_server(fast_);
  options.limits.seconds = 0.4;
  start(options);
  const std::string begun = head("/v1/separate", "Content-Length: 1000\r\n") + "RIFF";
  RawClient ended(server_->port()), stalled(server_->port()), gone(server_->port()), dripping(server_->port());
  ended.send(begun);
  ended.end_sending();
  EXPECT_EQ(ended.read().substr(0, 12), "HTTP/1.1 400");
  stalled.send(begun);
  EXPECT_EQ(stalled.read().substr(0, 12), "HTTP/1.1 408");
  gone.send(begun);
  gone.close();
  dripping.send(begun);
  for (int i = 0; i < 100 && dripping.send("x"); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(dripping.read().substr(0, 12), "HTTP/1.1 408");
  EXPECT_TRUE(comes_true([&] { return metric_is("sunder_places_taken 0"); }));
}

TEST_F(HttpTest, TheKeyIsAskedForWhereSoundAndNumbersAre) {
  ServeOptions options = small_server(fast_);
  options.api_key = "secret";
  start(options);
  auto client = this->client();
  for (const char* open : {"/", "/health", "/ready"}) EXPECT_EQ(client.Get(open)->status, 200) << open;
  EXPECT_EQ(client.Get("/metrics")->status, 401);
  const auto refused = client.Post("/v1/separate", recording_, octets);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 401);
  EXPECT_EQ(refused->get_header_value("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(client.Post("/v1/separate", httplib::Headers{{"X-API-Key", "wrong"}}, recording_, octets)->status, 401);
  EXPECT_EQ(client.Post("/v1/separate", httplib::Headers{{"X-API-Key", "secret"}}, recording_, octets)->status, 200);
  EXPECT_EQ(client.Get("/metrics", httplib::Headers{{"Authorization", "Bearer secret"}})->status, 200);
}

TEST_F(HttpTest, AFullQueueSaysWhenToComeBack) {
  start(small_server(fast_));
  std::vector<std::shared_ptr<void>> places;
  for (int i = 0; i < 3; ++i) places.push_back(service_->enter());
  const auto refused = client().Post("/v1/separate", recording_, octets);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_GE(std::stoi(refused->get_header_value("Retry-After")), 1);
  EXPECT_EQ(client().Get("/health")->status, 200);
  places.pop_back();
  EXPECT_EQ(client().Post("/v1/separate", recording_, octets)->status, 200);
}

TEST_F(HttpTest, WorkThatTakesTooLongIsDropped) {
  ServeOptions options = slow_server();
  options.limits.seconds = 0.5;
  start(options);
  const std::string body = long_recording();
  std::atomic<bool> gone = false;
  std::thread other([&] {  // without that limit
    FileDescriptor file = memory_file();
    EXPECT_TRUE(write_all(file.number(), std::as_bytes(std::span(body))));
    RequestRecord record;
    const auto separate = [&] {
      service_->separate(
          service_->enter(), std::move(file), {}, Clock::now() + 60s, [&] { return gone.load(); }, record);
    };
    EXPECT_THROW(separate(), Refusal);
  });
  EXPECT_TRUE(comes_true([&] { return metric_is("sunder_in_flight 1"); }));
  const auto waiting = client().Post("/v1/separate", recording_, octets);
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->status, 503) << waiting->body;
  EXPECT_GE(std::stoi(waiting->get_header_value("Retry-After")), 1);
  gone = true;
  other.join();
  const auto running = client().Post("/v1/separate", body, octets);
  ASSERT_TRUE(running);
  EXPECT_EQ(running->status, 504) << running->body;
  EXPECT_TRUE(comes_true([&] { return metric_is("sunder_in_flight 0"); })) << "the work went on";
}

TEST_F(HttpTest, AClientThatHangsUpIsForgotten) {
  start(slow_server());
  const std::string body = long_recording();
  RawClient running(server_->port()), waiting(server_->port());
  const std::string request = head("/v1/separate", "Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
  running.send(request);
  EXPECT_TRUE(comes_true([&] { return metric_is("sunder_in_flight 1"); }));
  waiting.send(request);
  EXPECT_TRUE(comes_true([&] { return metric_is("sunder_queue_length 1"); }));
  waiting.close();
  EXPECT_TRUE(comes_true([&] { return metric_is("sunder_queue_length 0"); }));
  running.close();
  EXPECT_TRUE(comes_true([&] { return metric_is("sunder_in_flight 0"); }));
  EXPECT_TRUE(comes_true([&] { return metric_is("sunder_places_taken 0"); }));
  log_with("status=499");
}

TEST_F(HttpTest, AClosedServiceFinishesAndTakesNothing) {
  start(slow_server());
  std::thread other([&] {
    const auto answer = client().Post("/v1/separate", wav_of(voices(1, 8000 * 10)), octets);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
  });
  EXPECT_TRUE(comes_true([&] { return metric_is("sunder_in_flight 1"); }));
  service_->close();
  EXPECT_EQ(client().Get("/ready")->status, 503);
  EXPECT_EQ(client().Get("/health")->status, 200);
  EXPECT_EQ(client().Post("/v1/separate", recording_, octets)->status, 503);
  EXPECT_EQ(client().Post("/v1/stream?rate=8000", recording_, octets)->status, 503);
  other.join();
  EXPECT_TRUE(comes_true([&] { return service_->is_idle(); }));
  server_->stop();
  EXPECT_FALSE(client().Get("/health"));
}

TEST_F(HttpTest, StoppingDropsWhatIsUnderWay) {
  start(slow_server());
  const std::string body = long_recording();
  std::thread other([&] {
    const auto answer = client().Post("/v1/separate", body, octets);
    EXPECT_TRUE(!answer || answer->status >= 400);
  });
  EXPECT_TRUE(comes_true([&] { return metric_is("sunder_in_flight 1"); }));
  RawClient idle(server_->port());
  const Clock::time_point begin = Clock::now();
  server_->stop();
  EXPECT_LT(Clock::now() - begin, 5s);
  other.join();
}

TEST_F(HttpTest, TwoServersDoNotShareAPort) {
  start(small_server(fast_));
  ServeOptions options = small_server(fast_);
  options.port = server_->port();
  expect_error<Error>([&] { HttpServer(*service_, options, [](const std::string&) {}); }, {"cannot be listened on"});
}

}  // namespace
}  // namespace sunder::serve
