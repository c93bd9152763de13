// A small corpus, mixture sets of it and training programs that run on them, for tests of training as a user does it.
#pragma once

#include <sndfile.h>

#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/cuda_device.h"
#include "tests/files/scratch_folder.h"
#include "tests/programs/program.h"
#include "tests/synthetic_voice.h"

namespace sunder {

// A program that runs in the background with its output in a file.
class Background {
 public:
  // `ignored`: a signal that is ignored at the start, as nohup does with SIGHUP.
  Background(const std::string& name, const std::vector<std::string>& arguments, const std::filesystem::path& said,
             int ignored = 0, const std::map<std::string, std::string>& environment = {})
      : said_(said) {
    pid_ = fork();
    if (pid_ < 0) throw_error("cannot start {}", name);
    if (pid_ > 0) return;
    const int file = open(said_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, 1) < 0 || dup2(file, 2) < 0) _exit(127);
    for (const int number : {SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU}) std::signal(number, SIG_DFL);
    if (ignored > 0) std::signal(ignored, SIG_IGN);
    for (const auto& [key, value] : environment) setenv(key.c_str(), value.c_str(), 1);
    const std::string path = program_folder + "/" + name;
    std::vector<char*> words = {const_cast<char*>(path.c_str())};
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    execv(path.c_str(), words.data());
    _exit(127);
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background() {
    if (pid_ > 0) kill(SIGKILL), wait();
  }

  void kill(int signal) const {
    if (pid_ > 0) ::kill(pid_, signal);  // kill(-1) would signal every process
  }
  // The exit code, or 128 + the signal that ended it.
  int wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  bool running() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
  }
  // Whether the program has a handler of this signal now.
  bool handles(int signal) const {
    std::ifstream status(fmt::format("/proc/{}/status", pid_));
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("SigCgt:")) return std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1;
    return false;
  }
  std::string said() const {
    std::ifstream file(said_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  pid_t pid_ = -1;
  std::filesystem::path said_;
};

class TrainingTest : public ScratchFolder {
 protected:
  static constexpr int rate = 8000;
  static constexpr int64_t samples = 2000;  // of a mixture: a quarter of a second

  void SetUp() override {
    SUNDER_NEEDS_DEVICE_OF_ENVIRONMENT();
    ScratchFolder::SetUp();
    if (!HasFatalFailure()) write_corpus("corpus", {{"train", 4}, {"valid", 2}, {"test", 2}});
  }

  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  bool exists(const std::string& name) const { return std::filesystem::exists(folder_ / name); }

  void write_flac(const std::string& name, const std::vector<float>& signal) const {
    SF_INFO info{};
    info.samplerate = rate;
    info.channels = 1;
    info.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
    SNDFILE* file = sf_open(at(name).c_str(), SFM_WRITE, &info);
    ASSERT_NE(file, nullptr) << sf_strerror(nullptr);
    std::vector<float> quiet = signal;
    for (float& sample : quiet) sample *= 0.1f;
    EXPECT_EQ(sf_write_float(file, quiet.data(), static_cast<sf_count_t>(quiet.size())),
              static_cast<sf_count_t>(quiet.size()));
    sf_close(file);
  }

  // splits.csv with the given numbers of speakers, three recordings each: a FLAC file and two WAV files.
  void write_corpus(const std::string& name, const std::vector<std::pair<std::string, int>>& speakers) const {
    std::filesystem::create_directories(folder_ / name);
    std::string list = "path,speaker,split\n";
    int speaker = 0;
    for (const auto& [split, count] : speakers) {
      for (int i = 0; i < count; ++i, ++speaker) {
        for (int take = 0; take < 3; ++take) {
          const std::string file = fmt::format("s{}_{}.{}", speaker, take, take == 0 ? "flac" : "wav");
          const std::vector<float> voice = synthetic_voice(speaker, take, samples - 100 * take, rate);
          if (take == 0) write_flac(name + "/" + file, voice);
          else write_wav(folder_ / name / file, voice, rate);
          list += fmt::format("{},{},{}\n", file, speaker, split);
        }
      }
    }
    write(name + "/splits.csv", list);
  }

  ProgramResult prepare(const std::string& set, int train, int valid = 4,
                        const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"sc09mix",
                                          "--corpus",
                                          at("corpus"),
                                          "--output",
                                          at(set),
                                          "--train",
                                          std::to_string(train),
                                          "--valid",
                                          std::to_string(valid),
                                          "--test",
                                          "2",
                                          "--seconds",
                                          "0.25",
                                          "--threads",
                                          "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program("sunder-prepare", arguments);
  }

  // The arguments of a run of a tiny network with four mixtures a step and a metrics line for each; `more` comes last.
  std::vector<std::string> arguments(const std::string& set, const std::string& run,
                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> result = {"--data", at(set), "--output", at(run)};
    for (const char* key :
         {"train.threads=1", "train.batch=4", "model.n_fft=128", "model.hop_length=32", "model.num_feats=8",
          "model.num_hidden=16", "model.num_layers=2", "model.num_stacks=1", "train.log_seconds=0"})
      result.insert(result.end(), {"--set", key});
    result.insert(result.end(), more.begin(), more.end());
    return result;
  }
  ProgramResult train(const std::string& method, const std::string& set, const std::string& run,
                      const std::vector<std::string>& more = {}, const ProgramSetup& setup = {}) const {
    return run_program("sunder-train-" + method, arguments(set, run, more), setup);
  }
  ProgramResult resume(const std::string& method, const std::string& run, const std::vector<std::string>& more = {},
                       const ProgramSetup& setup = {}) const {
    std::vector<std::string> arguments = {"--output", at(run), "--resume", "auto"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program("sunder-train-" + method, arguments, setup);
  }

  // metrics.jsonl without time stamps.
  std::vector<nlohmann::json> metrics(const std::string& run) const {
    std::vector<nlohmann::json> rows;
    std::ifstream file(folder_ / run / "metrics.jsonl");
    for (std::string line; std::getline(file, line);) {
      rows.push_back(nlohmann::json::parse(line));
      rows.back().erase("minutes");
    }
    return rows;
  }
  // A checkpoint without its training time.
  nlohmann::json state(const std::string& checkpoint) const {
    auto state = nlohmann::json::parse(read(checkpoint + "/state.json"));
    state.erase("minutes");
    return state;
  }
  std::vector<std::string> checkpoints(const std::string& run) const {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / run / "checkpoints", none))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  void expect_same_checkpoint(const std::string& a, const std::string& b) const {
    for (const char* file : {"/model.safetensors", "/optimizer.safetensors"}) {
      ASSERT_FALSE(read(a + file).empty()) << a << file;
      EXPECT_EQ(read(a + file) == read(b + file), true) << a << file << " is not " << b << file;
    }
    EXPECT_EQ(state(a), state(b));
  }
  void expect_same_run(const std::string& a, const std::string& b) const {
    expect_same_checkpoint(a + "/checkpoints/last", b + "/checkpoints/last");
    expect_same_checkpoint(a + "/checkpoints/best", b + "/checkpoints/best");
    EXPECT_EQ(metrics(a), metrics(b));
  }

  size_t metrics_lines(const std::string& run) const {
    const std::string text = read(run + "/metrics.jsonl");
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  // Waits until `happened`; fails if the program ends before, or after a minute: it hangs.
  static void wait_until(const std::function<bool()>& happened, const Background& program, const std::string& what) {
    for (int i = 0; i < 20000; ++i) {
      if (happened()) return;
      ASSERT_TRUE(program.running()) << program.said();
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
    FAIL() << "waited in vain for " << what;
  }
  void wait_for_metrics(const std::string& run, size_t lines, const Background& program) const {
    wait_until([&] { return metrics_lines(run) >= lines; }, program, fmt::format("{} lines in {}", lines, run));
  }

  static void expect_contains(const std::string& text, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " not in: " << text;
  }
};

}  // namespace sunder
