// sunder-serve: separates recordings for whoever asks by HTTP.
#include <malloc.h>
#include <poll.h>

#include "command/command_line.h"
#include "command/output.h"
#include "command/signals.h"
#include "serve/http_server.h"

namespace {

using namespace sunder;
using namespace sunder::serve;

constexpr int glance_milliseconds = 200;

// glibc keeps what a thread frees for threads that share its arena, of which it makes up to eight for each core: with
// many connections a third of the server's memory (bench/results/2026-11-30-serve.md).
constexpr int malloc_arenas = 2;

// Signals interrupt it.
void wait_a_little() { ::poll(nullptr, 0, glance_milliseconds); }

int run(int argc, char** argv) {
  const ServeOptions options = parse_serve(argc, argv);
  const auto log = [&](const std::string& event, const std::string& text) {
    write_message(log_line(event, text, options.json_log));
  };
  watch_stop_signals();
  const Model model = load_model(options.model);
  Service service(model.get(), options);
  HttpServer server(service, options, [](const std::string& line) { write_message(line); });
  if (!is_loopback(options.host) && options.api_key.empty())
    log("warning", "anybody who reaches " + options.host +
                       " can use this server: give --api-key-file, and TLS by a reverse proxy in front of it");
  log("listening",
      fmt::format("http://{}:{}", options.host.find(':') == std::string::npos ? options.host : "[" + options.host + "]",
                  server.port()));

  while (!stop_requested()) wait_a_little();
  log("stopping", fmt::format("{}: finishing what was accepted; a second signal ends at once", stop_signal_name()));
  service.close();
  const Clock::time_point end = Clock::now() + ticks_of(options.limits.seconds);
  while (!service.is_idle() && Clock::now() < end) wait_a_little();
  server.stop();
  return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  mallopt(M_ARENA_MAX, malloc_arenas);
  return run_main("sunder-serve", [&] { return run(argc, argv); });
}
