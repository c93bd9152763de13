#include "serve/http_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "files/plain_message.h"
#include "serve/connection_pool.h"
#include "serve/exchange.h"
#include "tensor/error.h"

namespace sunder::serve {
namespace {

// Beside those that the service's requests may keep: for /health, /metrics, the page, refusals, idle and slow clients.
constexpr int spare_threads = 16;
// How long what a client still sends is dropped behind an answer that it must be able to read.
constexpr auto farewell = std::chrono::milliseconds(1000), brief_farewell = std::chrono::milliseconds(50);

thread_local Exchange* current = nullptr;

// What anybody may throw, as an answer. `answer` fills the response.
template <class Make>
void answer_or_refuse(httplib::Response& response, Exchange& exchange, const Make& make) {
  const auto refuse = [&](int status, const std::string& message, Headers headers = {}) {
    exchange.record.error = message;
    fill(response, error_answer(status, message, std::move(headers)), exchange);
  };
  try {
    make();
  } catch (const Refusal& refusal) {
    refuse(refusal.status, refusal.what(), refusal.headers);
  } catch (const std::bad_alloc&) {
    refuse(503, "no memory is left", {{"Retry-After", "10"}});
  } catch (const std::exception& error) {
    refuse(500, plain_message(error));
  }
}

}  // namespace

class HttpServer::Impl : private httplib::Server {
 public:
  Impl(Service& service, const ServeOptions& options, std::function<void(const std::string&)> log)
      : service_(service),
        key_(options.api_key),
        json_log_(options.json_log),
        log_(std::move(log)),
        pool_(static_cast<size_t>(service.most_requests() + spare_threads),
              [this](int socket) { return serve(socket); }) {
    route();
    bind_to(options);
    pool_.accept_from(FileDescriptor(svr_sock_));
  }
  ~Impl() override { stop(); }

  int port() const { return port_; }
  void stop() {
    pool_.stop();
    svr_sock_ = INVALID_SOCKET;  // the pool has closed it
  }

 private:
  void bind_to(const ServeOptions& options) {
    // Not the library's SO_REUSEPORT, with which two servers share a port silently.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    port_ = options.port == 0                          ? bind_to_any_port(options.host)
            : bind_to_port(options.host, options.port) ? options.port
                                                       : -1;
    if (port_ <= 0)
      throw_error("{}:{}: cannot be listened on: {}", options.host, options.port,
                  errno != 0 ? std::strerror(errno) : "no such address");
  }

  void route() {
    set_keep_alive_max_count(1000);  // what answers say; connections end by time alone
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      return refused(request, response) ? HandlerResponse::Handled : HandlerResponse::Unhandled;
    });
    set_expect_100_continue_handler([this](const httplib::Request& request, httplib::Response& response) {
      return refused(request, response) ? response.status : 100;
    });
    const auto get = [this](const char* path, Answer (Service::*answer)() const) {
      Get(path, [this, answer](const httplib::Request&, httplib::Response& response) {
        answer_or_refuse(response, *current, [&] { fill(response, (service_.*answer)(), *current); });
      });
    };
    get("/", &Service::page);
    get("/health", &Service::health);
    get("/ready", &Service::ready);
    get("/metrics", &Service::metrics);
    Post("/v1/separate", [](const httplib::Request& request, httplib::Response& response,
                            const httplib::ContentReader& body) {
      answer_or_refuse(response, *current, [&] { fill(response, answer_separate(request, body, *current), *current); });
    });
    Post("/v1/stream",
         [](const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& body) {
           answer_or_refuse(response, *current, [&] { answer_stream(request, body, response, *current); });
         });
    // What the library refuses by itself, such as a malformed head. Also makes it send the length of every refusal.
    set_error_handler(HandlerWithResponse([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty())
        answer_or_refuse(response, *current, [&] { throw Refusal(response.status, "the request is malformed"); });
      return HandlerResponse::Handled;
    }));
    set_post_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) { finish_head(request, response); });
    set_logger([](const httplib::Request&, const httplib::Response& response) {
      current->answered = true;
      if (current->record.status == 0) current->record.status = response.status;
    });
  }

  bool refused(const httplib::Request& request, httplib::Response& response) {
    bool refused = true;
    answer_or_refuse(response, *current, [&] {
      check_head(request, key_, *current);
      refused = false;
    });
    return refused;
  }

  void finish_head(const httplib::Request& request, httplib::Response& response) {
    response.set_header("X-Request-Id", current->record.id);
    response.set_header("X-Content-Type-Options", "nosniff");
    // What was not read would be taken for the next request.
    const bool has_body = request.method == "POST" || request.has_header("Transfer-Encoding") ||
                          (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0");
    if (has_body && !current->body_was_read && !response.is_chunked_content_provider_) current->is_last = true;
    if (!current->is_last) return;
    response.headers.erase("Keep-Alive");
    response.headers.erase("Connection");
    response.set_header("Connection", "close");
  }

  // Called on a pool's thread.
  bool serve(int socket) {
    try {
      Connection connection(socket);
      while (connection.has_request())
        if (!serve_request(connection)) {
          connection.end_gently(pool_.is_crowded() ? brief_farewell : farewell);
          return false;
        }
      return !connection.ended();
    } catch (const std::exception&) {  // no memory for the log's line
      return false;
    }
  }

  // Whether the connection can take another one.
  bool serve_request(Connection& connection) {
    Exchange exchange(service_, connection);
    exchange.until = exchange.begin + ticks_of(service_.limits().seconds);
    exchange.record.id = request_id("");
    current = &exchange;
    connection.begin_head();
    exchange.is_last = true;  // unless its head can be read
    bool closed = false;
    const bool written =
        process_request(connection, false, closed, [&](httplib::Request& request) { begin(request, exchange); });
    current = nullptr;
    exchange.record.seconds = seconds_since(exchange.begin);
    if (exchange.answered) {  // else the connection was closed before a request came
      service_.add(exchange.record);
      log_(log_line(exchange.record, json_log_));
    }
    return written && !closed && !exchange.is_last && !connection.timed_out();
  }

  // The head was read.
  static void begin(httplib::Request& request, Exchange& exchange) {
    exchange.connection.begin_body(exchange.until);
    exchange.is_last = exchange.service.is_closing();
    RequestRecord& record = exchange.record;
    record.id = request_id(request.get_header_value("X-Request-Id"));
    record.method = request.method;
    record.path = request.path;
    record.client = request.remote_addr;
    // The library would compress, which takes longer than separating, and give parts of answers that differ each time.
    request.headers.erase("Accept-Encoding");
    request.ranges.clear();
  }

  Service& service_;
  const std::string key_;
  const bool json_log_;
  const std::function<void(const std::string&)> log_;
  int port_ = 0;
  ConnectionPool pool_;
};

HttpServer::HttpServer(Service& service, const ServeOptions& options, std::function<void(const std::string&)> log)
    : impl_(std::make_unique<Impl>(service, options, std::move(log))) {}
HttpServer::~HttpServer() = default;
int HttpServer::port() const { return impl_->port(); }
void HttpServer::stop() { impl_->stop(); }

}  // namespace sunder::serve
