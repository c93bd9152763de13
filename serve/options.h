// The command line of sunder-serve.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "serve/work_queue.h"

namespace sunder::serve {

struct ModelChoice {
  std::string path, architecture;
  std::string device = "cpu", precision = "fp32";
  std::vector<std::string> metadata{};  // KEY=VALUE
};

// What one request may ask for.
struct RequestLimits {
  int64_t bytes = int64_t{64} << 20;  // of a body
  double audio_seconds = 600;         // of a recording
  double seconds = 300;               // from its first byte to its answer
};

struct ServeOptions {
  ModelChoice model;
  std::string host = "127.0.0.1";
  int port = 8080;  // 0: any that is free
  QueueOptions queue;
  int streams = 4;  // at a time
  RequestLimits limits;
  std::string api_key;  // empty: none is asked for
  bool json_log = false;
};

// Throws UsageError, InputError for a key file that cannot be read, HelpRequested.
ServeOptions parse_serve(int argc, char** argv);

// Whether others than this machine's programs can reach a server on that address.
bool is_loopback(const std::string& host);

}  // namespace sunder::serve
