#include "serve/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "command/command_line.h"
#include "command/shipped_models.h"
#include "files/text_file.h"
#include "tensor/cpu_count.h"
#include "tensor/error.h"

namespace sunder::serve {
namespace {

struct Raw {
  std::string key_file, log_format = "text";
  int threads = 0;
};

void add_model_flags(CLI::App& app, ModelChoice& model) {
  app.add_option("--model", model.path,
                 fmt::format("checkpoint folder (RUN/checkpoints/best), run folder (its best checkpoint), .safetensors "
                             "file,\nor the name of a model that comes with Sunder; default: {}",
                             default_model));
  app.add_option(
      "--architecture", model.architecture,
      "stft-conv-tasnet, conv-tasnet or tf-gridnet; needed only for a state dict that does not name it itself");
  app.add_option("--metadata", model.metadata,
                 "KEY=VALUE that a state dict without metadata does not show (sample_rate=16000), may be repeated;\n"
                 "docs/import.md lists the keys")
      ->allow_extra_args(false);
  app.add_option("--device", model.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--precision", model.precision, "fp64, fp32, or on CUDA tf32 or bf16")->capture_default_str();
}

void add_network_flags(CLI::App& app, ServeOptions& options, Raw& raw) {
  app.add_option("--host", options.host,
                 "address to listen on; 0.0.0.0 or :: for all of the machine's, which needs an API key")
      ->capture_default_str();
  app.add_option("--port", options.port, "port to listen on; 0: any that is free, which the log names")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--api-key-file", raw.key_file,
                 "file with the key that requests must bring (Authorization: Bearer KEY or X-API-Key: KEY); or the\n"
                 "environment variable SUNDER_API_KEY. /, /health and /ready are open");
  app.add_option("--log-format", raw.log_format, "text or json: one line a request, on standard error")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void add_work_flags(CLI::App& app, ServeOptions& options, Raw& raw) {
  app.add_option("--threads", raw.threads, "CPU threads for all requests; 0: one per CPU that may be used")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--jobs", options.queue.sessions,
                 "recordings that are separated at a time; each takes memory of its own. 0: as many as --threads on\n"
                 "the CPU, one on CUDA")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--batch", options.queue.batch,
                 "waiting recordings of one length that run through the network together, at most; their samples are\n"
                 "those of each alone within rounding. 0: 1 on the CPU, 8 on CUDA")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option("--queue", options.queue.waiting,
                 "requests that are read or wait beside those that are worked on; further ones get 429")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--streams", options.streams, "streams at a time (POST /v1/stream); further ones get 429")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--chunk-seconds", options.queue.chunk_seconds,
                 "longer recordings are separated in chunks of this length, as by sunder-separate; it bounds memory")
      ->check(CLI::Range(1.0, 36000.0))
      ->capture_default_str();
  app.add_option("--overlap-seconds", options.queue.overlap_seconds,
                 "shortest overlap of neighbouring chunks, by which their outputs are matched; at most half a chunk")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
}

void add_limit_flags(CLI::App& app, RequestLimits& limits) {
  app.add_option("--max-seconds", limits.audio_seconds, "longest recording; longer ones get 413")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  app.add_option("--max-bytes", limits.bytes, "largest body of a request but a stream; larger ones get 413")
      ->check(CLI::Range(int64_t{1024}, int64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--timeout", limits.seconds,
                 "seconds from the beginning of a request to its answer; then its work is dropped (503 if it had not\n"
                 "begun, else 504). Also how long a server that is asked to stop waits for its requests")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
}

void resolve(ServeOptions& options, const Raw& raw) {
  const bool on_cpu = options.model.device == "cpu";
  QueueOptions& queue = options.queue;
  queue.threads = raw.threads > 0 ? raw.threads : usable_cpus();
  if (queue.sessions == 0) queue.sessions = on_cpu ? queue.threads : 1;
  // The threads of ops help one recording at a time, while each of the others has its own.
  queue.threads = std::max(1, queue.threads - queue.sessions + 1);
  if (queue.batch == 0) queue.batch = on_cpu ? 1 : 8;
  queue.overlap_seconds = std::min(queue.overlap_seconds, queue.chunk_seconds / 2);
  options.json_log = raw.log_format == "json";
  options.api_key = raw.key_file.empty() ? environment("--api-key") : read_text(raw.key_file);
  while (!options.api_key.empty() && std::isspace(static_cast<unsigned char>(options.api_key.back())))
    options.api_key.pop_back();
  if (!raw.key_file.empty() && options.api_key.empty())
    throw_error<UsageError>("--api-key-file {}: expected a key, got an empty file", raw.key_file);
}

}  // namespace

ServeOptions parse_serve(int argc, char** argv) {
  ServeOptions options;
  Raw raw;
  CLI::App app(
      "Separates recordings of several voices for programs and people that ask by HTTP.\n\n"
      "POST /v1/separate takes an audio file and answers with one WAV file a voice; POST /v1/stream takes samples\n"
      "and answers while they come; GET / is a page where people drop a file; /health, /ready and /metrics are for\n"
      "whoever runs it. SIGTERM and SIGINT: what was accepted is finished, then the server ends with 0; a second one\n"
      "ends it at once. docs/serve.md has all parameters and answers.",
      "sunder-serve");
  add_model_flags(app, options.model);
  add_network_flags(app, options, raw);
  add_work_flags(app, options, raw);
  add_limit_flags(app, options.limits);
  parse_command_line(app, argc, argv,
                     "  sunder-serve\n"
                     "  sunder-serve --model RUN/checkpoints/best\n"
                     "  curl --data-binary @mixture.wav http://127.0.0.1:8080/v1/separate -o voices.zip");
  resolve(options, raw);
  options.model.path = find_model(options.model.path);
  return options;
}

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

}  // namespace sunder::serve
