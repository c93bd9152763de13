// What is done with the body of a request.
#include <span>

#include "files/file_io.h"
#include "files/temporary.h"
#include "serve/exchange.h"
#include "tensor/error.h"

namespace sunder::serve {
namespace {

Query query_of(const httplib::Request& request) {
  Query query;
  for (const auto& [key, value] : request.params)
    if (!query.emplace(key, value).second) throw Refusal(400, fmt::format("{}: given twice", key));
  return query;
}

// Why cpp-httplib could not read a body to its end.
[[noreturn]] void throw_unread(const Connection& connection, const httplib::Request& request) {
  if (connection.timed_out()) throw Refusal(408, "the body did not come in time");
  if (connection.ended()) throw Refusal(400, "the connection ended before the body did");
  throw Refusal(400, request.is_multipart_form_data() ? "the multipart body is malformed" : "the body is malformed");
}

// The audio file in the body, in memory.
class Upload {
 public:
  explicit Upload(int64_t most_bytes) : most_bytes_(most_bytes) {
    if (!file_.is_open()) throw_error("no memory for the body");
  }

  void read(const httplib::Request& request, const httplib::ContentReader& body, Exchange& exchange) {
    const auto take = [&](const char* bytes, size_t count) {
      exchange.connection.go_on();
      is_too_large_ = (bytes_ += static_cast<int64_t>(count)) > most_bytes_;
      if (is_too_large_ || (is_wanted_ && !write_all(file_.number(), std::as_bytes(std::span(bytes, count)))))
        return false;
      return true;
    };
    bool whole = false;
    if (request.is_multipart_form_data()) {
      bool found = false;
      is_wanted_ = false;
      whole = body(
          [&](const httplib::MultipartFormData& part) {
            is_wanted_ = !found && part.name == "file";
            found = found || is_wanted_;
            return true;
          },
          take);
      if (whole && !found) throw Refusal(400, "expected a field named file in the multipart body");
    } else {
      whole = body(take);
    }
    exchange.body_was_read = whole;
    if (is_too_large_) throw Refusal(413, fmt::format("expected a body of at most {} bytes, got more", most_bytes_));
    if (!whole) throw_unread(exchange.connection, request);
  }
  FileDescriptor release() { return std::move(file_); }

 private:
  const int64_t most_bytes_;
  FileDescriptor file_ = memory_file();
  int64_t bytes_ = 0;
  bool is_wanted_ = true, is_too_large_ = false;
};

// Runs in cpp-httplib's writer of the answer, on the same thread that reads the request.
class StreamAnswer {
 public:
  StreamAnswer(std::unique_ptr<Service::Streaming> streaming, const httplib::Request& request,
               httplib::ContentReader body, Exchange& exchange)
      : streaming_(std::move(streaming)), request_(request), body_(std::move(body)), exchange_(exchange) {}

  // False where the answer must end without its last chunk, so that nobody takes it for whole.
  bool write(httplib::DataSink& sink) {
    RequestRecord& record = exchange_.record;
    RawStream& stream = streaming_->stream;
    bool whole = false;
    exchange_.connection.begin_body(Clock::time_point::max());
    try {
      const TakeBytes take = [&](std::string_view bytes) {
        if (!bytes.empty() && !sink.write(bytes.data(), bytes.size())) throw Refusal(499, "the client does not read");
      };
      std::exception_ptr failure;  // which must not pass through the library
      whole = body_([&](const char* bytes, size_t count) {
        try {
          exchange_.connection.go_on();
          stream.push({bytes, count}, take);
          return true;
        } catch (...) {
          failure = std::current_exception();
          return false;
        }
      });
      if (failure) std::rethrow_exception(failure);
      if (!whole) throw_unread(exchange_.connection, request_);
      stream.finish(take);
      sink.done();
    } catch (const Refusal& refusal) {
      record.status = refusal.status;
      record.error = refusal.what();
      whole = false;
    } catch (const std::exception& error) {
      record.status = 500;
      record.error = error.what();
      whole = false;
    }
    exchange_.body_was_read = whole;
    record.audio_seconds = stream.seconds();
    record.worked = stream.worked();
    record.clipped = stream.clipped();
    return whole;
  }

 private:
  std::unique_ptr<Service::Streaming> streaming_;
  const httplib::Request& request_;
  const httplib::ContentReader body_;
  Exchange& exchange_;
};

}  // namespace

Answer answer_separate(const httplib::Request& request, const httplib::ContentReader& body, Exchange& exchange) {
  const SeparateParameters parameters = exchange.service.parameters(query_of(request));
  exchange.place = exchange.service.enter();
  Upload upload(exchange.service.limits().bytes);
  upload.read(request, body, exchange);
  return exchange.service.separate(
      exchange.place, upload.release(), parameters, exchange.until,
      [&connection = exchange.connection] { return connection.hung_up(); }, exchange.record);
}

void answer_stream(const httplib::Request& request, const httplib::ContentReader& body, httplib::Response& response,
                   Exchange& exchange) {
  if (request.version != "HTTP/1.1") throw Refusal(505, "a stream needs HTTP/1.1");
  auto streaming = exchange.service.begin_stream(query_of(request));
  response.set_header("X-Sunder-Delay-Frames", std::to_string(streaming->stream.delay()));
  response.set_header("X-Sunder-Voices", std::to_string(exchange.service.voices()));
  // std::function wants what can be copied.
  const auto answer = std::make_shared<StreamAnswer>(std::move(streaming), request, body, exchange);
  response.set_chunked_content_provider("application/octet-stream",
                                        [answer](size_t, httplib::DataSink& sink) { return answer->write(sink); });
}

void fill(httplib::Response& response, Answer answer, Exchange& exchange) {
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  response.set_header("Content-Type", answer.type);
  response.body = std::move(answer.body);
  exchange.record.status = answer.status;
}

}  // namespace sunder::serve
