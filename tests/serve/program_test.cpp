// sunder-serve as it is started: its lines, signals and exit codes, and a thousand clients at once.
#include <fcntl.h>
#include <sys/wait.h>

#include <csignal>
#include <regex>

#include "tests/programs/program.h"
#include "tests/serve/raw_client.h"
#include "tests/serve/serve_fixture.h"

namespace sunder::serve {
namespace {

using namespace std::chrono_literals;

class ServeProgram : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    model_ = write_conv_tasnet(folder_);
  }
  void TearDown() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ScratchFolder::TearDown();
  }

  // Starts the program and waits until it listens.
  void start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {program_folder + "/sunder-serve", "--port", "0"});
    child_ = ::fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) {
      const int log = ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      ::dup2(log, STDERR_FILENO);
      std::vector<char*> words;
      for (std::string& word : arguments) words.push_back(word.data());
      words.push_back(nullptr);
      ::execv(words[0], words.data());
      ::_exit(127);
    }
    std::smatch match;
    for (int i = 0; i < 500; ++i) {
      const std::string log = read("log");
      if (std::regex_search(log, match, std::regex(R"(listening"?[ ,]"?text"?[=:]"?http://127\.0\.0\.1:(\d+))"))) {
        port_ = std::stoi(match[1]);
        return;
      }
      std::this_thread::sleep_for(10ms);
    }
    FAIL() << read("log");
  }
  // The exit code, or 128 and the signal.
  int end() {
    int status = 0;
    ::waitpid(std::exchange(child_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  httplib::Client client() const {
    httplib::Client client("127.0.0.1", port_);
    client.set_read_timeout(20);
    return client;
  }
  bool metric_is(const std::string& line) {
    for (int i = 0; i < 500; ++i) {
      if (client().Get("/metrics")->body.find(line + "\n") != std::string::npos) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  std::string model_;
  pid_t child_ = -1;
  int port_ = 0;
};

TEST_F(ServeProgram, FinishesWhatItAcceptedAndEndsWithZero) {
  start({"--model", write_slow_network(folder_), "--jobs", "1", "--log-format", "json"});
  std::thread other([&] {
    const auto answer = client().Post("/v1/separate", wav_of(voices(1, 8000 * 25)), "application/octet-stream");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
  });
  EXPECT_TRUE(metric_is("sunder_in_flight 1"));
  ::kill(child_, SIGTERM);
  int ready = 200;
  for (int i = 0; i < 1000 && ready == 200; ++i) {
    const auto answer = client().Get("/ready");
    if (!answer) break;
    ready = answer->status;
  }
  EXPECT_EQ(ready, 503);
  other.join();
  EXPECT_EQ(end(), 0) << read("log");
  EXPECT_NE(read("log").find("\"path\":\"/v1/separate\",\"status\":200"), std::string::npos) << read("log");
}

TEST_F(ServeProgram, ASecondSignalEndsItAtOnce) {
  start({"--model", write_slow_network(folder_), "--jobs", "1"});
  RawClient client(port_);
  const std::string body = wav_of(voices(1, 8000 * 200), 8000, WavFormat::pcm16);
  client.send(fmt::format("POST /v1/separate HTTP/1.1\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
  EXPECT_TRUE(metric_is("sunder_in_flight 1"));
  ::kill(child_, SIGINT);
  for (int i = 0; i < 500 && read("log").find("stopping") == std::string::npos; ++i) std::this_thread::sleep_for(10ms);
  ::kill(child_, SIGINT);
  EXPECT_EQ(end(), 128 + SIGINT);
}

TEST_F(ServeProgram, AThousandClientsAtOnce) {
  start({"--model", model_});
  const std::string body = wav_of(voices(1, 800));
  const std::string request =
      fmt::format("POST /v1/separate HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
  std::vector<std::unique_ptr<RawClient>> clients;
  int refused = 0, answered = 0, later = 0;
  for (int i = 0; i < 1000; ++i) try {
      clients.push_back(std::make_unique<RawClient>(port_));
    } catch (const Error&) {
      ++refused;
    }
  for (const auto& each : clients) each->send(request);
  for (const auto& each : clients) {
    const std::string status = each->read("", 20000).substr(0, 12);
    answered += status == "HTTP/1.1 200";
    later += status == "HTTP/1.1 429";
  }
  EXPECT_EQ(answered + later + refused, 1000);
  EXPECT_GE(answered, 2);
  EXPECT_EQ(client().Get("/health")->status, 200);
  std::smatch memory;
  const std::string metrics = client().Get("/metrics")->body;
  ASSERT_TRUE(std::regex_search(metrics, memory, std::regex("process_resident_memory_bytes (\\d+)")));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which keep what was freed
  EXPECT_LT(std::stoll(memory[1]), 200 << 20);
#endif
  ::kill(child_, SIGTERM);
  EXPECT_EQ(end(), 0);
}

TEST_F(ServeProgram, WrongUseIsSaidAndCoded) {
  const auto code = [](const std::vector<std::string>& arguments, const std::string& part) {
    const ProgramResult result = run_program("sunder-serve", arguments, {.seconds = 10});
    EXPECT_NE((result.out + result.err).find(part), std::string::npos) << result.err;
    return result.code;
  };
  EXPECT_EQ(code({"--help"}, "POST /v1/separate"), 0);
  EXPECT_EQ(code({"--model", "of-no-name"}, "no model of this name in "), 4);
  EXPECT_EQ(code({"--model", model_, "--porte", "1"}, "did you mean '--port'?"), 2);
  EXPECT_EQ(code({"--model", model_, "--device", "cpu0"}, "cpu0"), 2);
  EXPECT_EQ(code({"--model", (folder_ / "no").string()}, "no"), 4);
  EXPECT_EQ(code({"--model", model_, "--api-key-file", (folder_ / "no").string()}, "no such file"), 3);
  EXPECT_EQ(code({"--model", model_, "--api-key-file", write("empty", "\n").string()}, "expected a key"), 2);
  EXPECT_EQ(code({"--model", model_, "--host", "192.0.2.1"}, "cannot be listened on"), 1);

  // Without --model the one that comes with Sunder.
  std::filesystem::copy_file(model_, folder_ / "speech-8k.safetensors");
  const ProgramResult named = run_program("sunder-serve", {"--host", "192.0.2.1"},
                                          {.environment = {{"SUNDER_MODELS", folder_.string()}}, .seconds = 10});
  EXPECT_EQ(named.code, 1) << named.err;
  EXPECT_NE(named.err.find("model " + (folder_ / "speech-8k.safetensors").string() + "\n"), std::string::npos)
      << named.err;
}

}  // namespace
}  // namespace sunder::serve
