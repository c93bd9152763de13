// What needs no server: keys, parameters, decoding, packing, metrics and lines of the log.
#include <archive.h>
#include <archive_entry.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "files/base64.h"
#include "files/file_io.h"
#include "files/temporary.h"
#include "serve/access.h"
#include "serve/packing.h"
#include "tests/serve/serve_fixture.h"

namespace sunder::serve {
namespace {

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << " is not in " << text;
}

// The status and message of what `call` refuses.
template <class Call>
std::pair<int, std::string> refusal(const Call& call) {
  try {
    call();
  } catch (const Refusal& refused) {
    return {refused.status, refused.what()};
  }
  return {0, ""};
}

FileDescriptor file_of(const std::string& bytes) {
  FileDescriptor file = memory_file();
  EXPECT_TRUE(write_all(file.number(), std::as_bytes(std::span(bytes))));
  return file;
}

TEST(ServeAccess, TheKeyAloneLetsIn) {
  EXPECT_TRUE(has_key("", "", "")) << "none is asked for";
  EXPECT_TRUE(has_key("secret", "Bearer secret", ""));
  EXPECT_TRUE(has_key("secret", "bearer  secret", ""));
  EXPECT_TRUE(has_key("secret", "", "secret"));
  for (const char* wrong : {"", "secre", "secret2", "Secret", "secretsecret", "xxxxxx"}) {
    EXPECT_FALSE(has_key("secret", std::string("Bearer ") + wrong, "")) << wrong;
    EXPECT_FALSE(has_key("secret", "", wrong)) << wrong;
  }
  EXPECT_FALSE(has_key("secret", "secret", ""));
  EXPECT_FALSE(has_key("secret", "Basic secret", ""));
}

TEST(ServeParameters, AreWhatTheQuerySays) {
  const SeparateParameters plain = separate_parameters({}, 4);
  EXPECT_EQ(plain.packing, Packing::zip);
  EXPECT_EQ(plain.sources, "all");
  const SeparateParameters given =
      separate_parameters({{"format", "json"}, {"encoding", "int16"}, {"sources", "4"}, {"channel", "2"}}, 4);
  EXPECT_EQ(given.packing, Packing::json);
  EXPECT_EQ(given.encoding, WavFormat::pcm16);
  EXPECT_EQ(given.channel, 2);
  const StreamParameters stream =
      stream_parameters({{"rate", "16000"}, {"encoding", "s16le"}, {"chunk_seconds", "2"}}, 1, 30);
  EXPECT_EQ(stream.sample_rate, 16000);
  EXPECT_TRUE(stream.is_int16);
  EXPECT_EQ(stream.chunk_seconds, 2);
  for (const auto& [key, value] :
       Query{{"format", "rar"}, {"encoding", "mp3"}, {"sources", "5"}, {"channel", "0"}, {"x", ""}})
    EXPECT_EQ(refusal([&] { separate_parameters({{key, value}}, 4); }).first, 400) << key;
  for (const char* sources : {"0", "-1", "2x", "", "ALL"})
    EXPECT_EQ(refusal([&] { separate_parameters({{"sources", sources}}, 4); }).first, 400) << sources;
  for (const Query& query : std::vector<Query>{{},
                                               {{"rate", "10"}},
                                               {{"rate", "8000"}, {"channels", "2"}},
                                               {{"rate", "8000"}, {"chunk_seconds", "nan"}},
                                               {{"rate", "8000"}, {"chunk_seconds", "31"}},
                                               {{"rate", "8000"}, {"chunk_seconds", "1"}, {"overlap_seconds", "0.6"}}})
    EXPECT_EQ(refusal([&] { stream_parameters(query, 1, 30); }).first, 400);
}

TEST(ServeSound, FilesAreDecodedOrRefused) {
  const Signals two = voices(2, 3000);
  const Sound both = decode(file_of(wav_of(two)), 2, {}, 10);
  EXPECT_EQ(both.samples, planar(two));
  EXPECT_EQ(decode(file_of(wav_of(two)), 1, 2, 10).samples, two[1]);
  const auto status = [](const std::string& bytes, int microphones, std::optional<int> channel, double seconds) {
    return refusal([&] { decode(file_of(bytes), microphones, channel, seconds); });
  };
  const std::string whole = wav_of(two);
  EXPECT_EQ(status(whole, 1, {}, 10).first, 400);
  EXPECT_EQ(status(whole, 3, {}, 10).first, 400);
  EXPECT_EQ(status(whole, 2, 1, 10).first, 400);
  EXPECT_EQ(status(whole, 1, 3, 10).first, 400);
  EXPECT_EQ(status(whole, 2, {}, 0.3).first, 413);
  EXPECT_EQ(status("", 1, {}, 10).first, 400);
  EXPECT_EQ(status("This is no sound at all.", 1, {}, 10).first, 415);
  const auto cut = status(whole.substr(0, whole.size() / 2), 2, {}, 10);
  EXPECT_EQ(cut.first, 400);
  expect_part(cut.second, "the recording: cut short");
}

class ServePacking : public testing::Test {
 protected:
  const Voices voices_{{{"voice1.wav", std::string("RIFF\0\xff", 6), {0, 2}}, {"voice2.wav", "x", {1}}}, 2, 3};
  const Facts facts_{"id1", 8000, 1.5, 0.25};
};

TEST_F(ServePacking, ZipHoldsTheFiles) {
  const Answer answer = pack(Packing::zip, voices_, facts_);
  EXPECT_EQ(answer.type, "application/zip");
  const std::unique_ptr<archive, int (*)(archive*)> file(archive_read_new(), archive_read_free);
  archive_read_support_format_zip(file.get());
  ASSERT_EQ(archive_read_open_memory(file.get(), answer.body.data(), answer.body.size()), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  for (const Voice& voice : voices_.voices) {
    ASSERT_EQ(archive_read_next_header(file.get(), &entry), ARCHIVE_OK) << archive_error_string(file.get());
    EXPECT_EQ(archive_entry_pathname(entry), voice.name);
    std::string bytes(100, '\0');
    bytes.resize(static_cast<size_t>(archive_read_data(file.get(), bytes.data(), bytes.size())));
    EXPECT_EQ(bytes, voice.wav);
  }
  EXPECT_EQ(archive_read_next_header(file.get(), &entry), ARCHIVE_EOF);
  EXPECT_EQ(pack(Packing::zip, voices_, facts_).body, answer.body) << "no time stamps";
}

TEST_F(ServePacking, JsonSaysWhatItHolds) {
  const Answer answer = pack(Packing::json, voices_, facts_);
  const auto json = nlohmann::json::parse(answer.body);
  EXPECT_EQ(json["sample_rate"], 8000);
  EXPECT_EQ(json["seconds"], 1.5);
  EXPECT_EQ(json["real_time_factor"], 0.25);
  EXPECT_EQ(json["clipped_samples"], 3);
  EXPECT_EQ(json["active_sources"], 2);
  EXPECT_EQ(json["voices"][0]["outputs"], (std::vector<int>{1, 3}));
  EXPECT_EQ(json["voices"][0]["wav"], base64(voices_.voices[0].wav));
}

TEST_F(ServePacking, MultipartHasAPartAVoice) {
  const Answer answer = pack(Packing::multipart, voices_, facts_);
  EXPECT_EQ(answer.type, "multipart/mixed; boundary=sunder-id1");
  EXPECT_TRUE(answer.body.starts_with("--sunder-id1\r\nContent-Type: audio/wav\r\n"));
  expect_part(answer.body, "Content-Length: 6\r\n\r\n" + voices_.voices[0].wav + "\r\n--sunder-id1\r\n");
  EXPECT_TRUE(answer.body.ends_with("\r\n\r\nx\r\n--sunder-id1--\r\n"));
}

TEST(ServeMetrics, AreWhatPrometheusReads) {
  Metrics metrics;
  RequestRecord record;
  record.endpoint = "/v1/separate", record.status = 200, record.seconds = 0.3, record.audio_seconds = 4;
  record.worked = 0.2, record.clipped = 5, record.together = 2;
  metrics.add(record);
  record.status = 429, record.seconds = 0.0001, record.audio_seconds = 0;
  metrics.add(record);
  const std::string text = metrics.text({2, 3, 1, 1, 0, true});
  const std::regex line(
      R"((# (HELP|TYPE) [a-z_]+ .+)|([a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? -?[0-9.e+-]+))");
  std::istringstream lines(text);
  for (std::string each; std::getline(lines, each);) EXPECT_TRUE(std::regex_match(each, line)) << each;
  for (const char* part : {"sunder_requests_total{endpoint=\"/v1/separate\",status=\"200\"} 1\n",
                           "sunder_requests_total{endpoint=\"/v1/separate\",status=\"429\"} 1\n",
                           "sunder_request_seconds_bucket{endpoint=\"/v1/separate\",le=\"0.25\"} 1\n",
                           "sunder_request_seconds_bucket{endpoint=\"/v1/separate\",le=\"0.5\"} 2\n",
                           "sunder_request_seconds_bucket{endpoint=\"/v1/separate\",le=\"+Inf\"} 2\n",
                           "sunder_request_seconds_count{endpoint=\"/v1/separate\"} 2\n",
                           "sunder_real_time_factor_bucket{le=\"0.05\"} 1\n", "sunder_real_time_factor_count 1\n",
                           "sunder_audio_seconds_total 4\n", "sunder_work_seconds_total 0.2\n",
                           "sunder_recordings_together_total 1\n", "sunder_queue_length 1\n", "sunder_ready 1\n"})
    expect_part(text, part);
  std::smatch memory;
  ASSERT_TRUE(std::regex_search(text, memory, std::regex("process_resident_memory_bytes (\\d+)")));
  EXPECT_GT(std::stoll(memory[1]), 1 << 20);
}

TEST(ServeLog, ALineARequestWhateverItHolds) {
  RequestRecord record;
  record.id = "a1", record.method = "POST", record.path = "/v1/x\nevent=request \"\xff", record.status = 404;
  record.seconds = 0.0123, record.audio_seconds = 2, record.error = "no such path";
  const std::string text = log_line(record, false);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  expect_part(text, " id=a1 ");
  expect_part(text, " status=404 ms=12.3 audio_s=2.0 ");
  expect_part(text, "path=\"/v1/x\\nevent=request \\\"");
  expect_part(text, "error=\"no such path\"");
  const auto json = nlohmann::json::parse(log_line(record, true));
  EXPECT_EQ(json["status"], 404);
  EXPECT_TRUE(
      std::regex_match(json["time"].get<std::string>(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")));
  EXPECT_EQ(request_id("client-7.a_b"), "client-7.a_b");
  for (const std::string& given : {std::string("a b"), std::string("x\ny"), std::string(65, 'a'), std::string()})
    EXPECT_TRUE(std::regex_match(request_id(given), std::regex("[0-9a-f]{16}"))) << given;
}

}  // namespace
}  // namespace sunder::serve
