// What a client sends to sunder-serve over one connection: each answer begins as one of HTTP does, and the server goes
// on.
#include <arpa/inet.h>
#include <sys/socket.h>

#include "contract.h"
#include "serve/http_server.h"
#include "tests/embed/model_files.h"

namespace sunder {
namespace {

serve::ServeOptions options() {
  serve::ServeOptions options;
  options.model.path = write_conv_tasnet(fuzz::output_folder());
  options.port = 0;
  options.queue.sessions = 1, options.queue.waiting = 1, options.queue.batch = 1;
  options.limits = {.bytes = 1 << 16, .audio_seconds = 5, .seconds = 1};
  return options;
}

struct Server {
  const serve::ServeOptions with = options();
  const serve::Model model = serve::load_model(with.model);
  serve::Service service{model.get(), with};
  serve::HttpServer server{service, with, [](const std::string&) {}};
};

// Never destroyed: its threads run to the end of the process.
int port() {
  static const auto* const server = new Server;
  return server->server.port();
}

std::string answers_to(std::string_view request) {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SUNDER_PROMISE(::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  [[maybe_unused]] const ssize_t sent = ::send(socket.number(), request.data(), request.size(), MSG_NOSIGNAL);
  ::shutdown(socket.number(), SHUT_WR);
  std::string answers;
  char block[4096];
  for (ssize_t got; (got = ::recv(socket.number(), block, sizeof block, 0)) > 0;)
    answers.append(block, static_cast<size_t>(got));
  return answers;
}

}  // namespace
}  // namespace sunder

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sunder;
  port();
  const fuzz::TimeLimit limit;
  const std::string answers = answers_to(fuzz::text(data, size));
  SUNDER_PROMISE(answers.empty() || answers.starts_with("HTTP/1.1 "));
  static unsigned runs = 0;
  if (++runs % 64 == 0)
    SUNDER_PROMISE(answers_to("GET /ready HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200"));
  return 0;
}
