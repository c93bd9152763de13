// One request and its answer, while a thread is busy with them.
#pragma once

#include <memory>

#include "serve/connection.h"
#include "serve/service.h"

namespace sunder::serve {

struct Exchange {
  Exchange(Service& with, Connection& on) : service(with), connection(on) {}

  Service& service;
  Connection& connection;
  RequestRecord record;
  const Clock::time_point begin = Clock::now();
  Clock::time_point until{};    // when it must be answered
  std::shared_ptr<void> place;  // until the answer is sent
  bool body_was_read = false;   // else the connection ends with the answer
  bool is_last = false;         // of its connection
  bool answered = false;        // something was sent
};

// Checks a request by its head alone. Throws Refusal: 404, 405, 401, 403, and for bodies 411, 413 and 400.
void check_head(const httplib::Request& request, const std::string& api_key, Exchange& exchange);

// Both read the request's body. Throw Refusal.
Answer answer_separate(const httplib::Request& request, const httplib::ContentReader& body, Exchange& exchange);
// Sends the answer's head at once, and its body while the request's comes.
void answer_stream(const httplib::Request& request, const httplib::ContentReader& body, httplib::Response& response,
                   Exchange& exchange);

void fill(httplib::Response& response, Answer answer, Exchange& exchange);

}  // namespace sunder::serve
