// Clients of a server that separates: each sends the same audio files one after the other, as soon as its last answer
// came. Prints one line of JSON.
#include <httplib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "audio/file.h"
#include "command/command_line.h"
#include "command/output.h"

namespace {

using namespace sunder;

using Clock = std::chrono::steady_clock;

struct Options {
  std::string url = "http://127.0.0.1:8080", path = "/v1/separate";
  std::vector<std::string> files;
  int clients = 1, pid = 0;
  double seconds = 10;
};

struct Request {
  std::string body;
  double seconds;  // of audio
};

struct Tally {
  std::vector<double> latencies;  // milliseconds, of answered requests
  double audio = 0;               // seconds
  int failed = 0;
};

std::vector<Request> read_requests(const std::vector<std::string>& files) {
  std::vector<Request> requests;
  for (const std::string& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const AudioInfo info = audio_info(file);
    requests.push_back({{std::istreambuf_iterator<char>(stream), {}},
                        static_cast<double>(info.frames) / static_cast<double>(info.sample_rate)});
  }
  return requests;
}

Tally run_client(const Options& options, const std::vector<Request>& requests, size_t first, Clock::time_point end) {
  httplib::Client client(options.url);
  client.set_read_timeout(60, 0);
  client.set_keep_alive(true);
  Tally tally;
  for (size_t i = first; Clock::now() < end; ++i) {
    const Request& request = requests[i % requests.size()];
    const Clock::time_point begin = Clock::now();
    const auto answer = client.Post(options.path, request.body, "audio/wav");
    if (!answer || answer->status != 200) {
      ++tally.failed;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    tally.latencies.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    tally.audio += request.seconds;
  }
  return tally;
}

// Of a process and its children, MiB: resident memory, shared pages counted once by the kernel's own proportions (Pss).
double memory(int pid) {
  double kib = 0;
  std::ifstream smaps("/proc/" + std::to_string(pid) + "/smaps_rollup");
  for (std::string line; std::getline(smaps, line);)
    if (line.rfind("Pss:", 0) == 0) kib += std::stod(line.substr(4));
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream children(task.path() / "children");
    for (int child = 0; children >> child;) kib += 1024 * memory(child);
  }
  return kib / 1024;
}

double quantile(std::vector<double>& sorted, double share) {
  return sorted.empty() ? 0 : sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app("Load of several clients on a server that separates; bench/serve.sh runs it.", "sunder-bench-serve");
  app.add_option("--url", options.url)->capture_default_str();
  app.add_option("--path", options.path)->capture_default_str();
  app.add_option("--clients", options.clients)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--seconds", options.seconds, "of load")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--pid", options.pid, "of the server, whose memory is reported; 0: none");
  app.add_option("files", options.files, "what is sent in turn")->required()->check(CLI::ExistingFile);
  parse_command_line(app, argc, argv, "  sunder-bench-serve --clients 4 mixture.wav");
  return options;
}

int run(const Options& options) {
  const std::vector<Request> requests = read_requests(options.files);
  std::vector<Tally> tallies(options.clients);
  const Clock::time_point begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
  {
    std::vector<std::jthread> clients;
    for (int k = 0; k < options.clients; ++k)
      clients.emplace_back([&, k] { tallies[k] = run_client(options, requests, static_cast<size_t>(k), end); });
  }
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
  Tally all;
  for (const Tally& tally : tallies) {
    all.latencies.insert(all.latencies.end(), tally.latencies.begin(), tally.latencies.end());
    all.audio += tally.audio;
    all.failed += tally.failed;
  }
  std::sort(all.latencies.begin(), all.latencies.end());
  nlohmann::ordered_json line = {{"clients", options.clients},
                                 {"requests", all.latencies.size()},
                                 {"failed", all.failed},
                                 {"audio_seconds_per_second", all.audio / elapsed},
                                 {"p50_ms", quantile(all.latencies, 0.5)},
                                 {"p99_ms", quantile(all.latencies, 0.99)}};
  if (options.pid > 0) line["memory_mib"] = memory(options.pid);
  print_result("{}\n", line.dump());
  return all.latencies.empty() ? exit_failed : exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  return run_main("sunder-bench-serve", [&] { return run(parse(argc, argv)); });
}
