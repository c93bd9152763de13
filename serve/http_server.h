// The service by HTTP: cpp-httplib reads requests and writes answers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "serve/service.h"

namespace sunder::serve {

class HttpServer {
 public:
  // Begins to listen and to answer. `log`: gets lines. The service must outlive the server. Throws Error where the
  // address cannot be had.
  HttpServer(Service& service, const ServeOptions& options, std::function<void(const std::string& line)> log);
  ~HttpServer();

  int port() const;  // where options.port is 0, the one that was free
  // Accepts no more, drops what is under way and waits for its threads.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sunder::serve
