// What is remembered of one request: for its line in the log and for the metrics.
#pragma once

#include <cstdint>
#include <string>

namespace sunder::serve {

struct RequestRecord {
  std::string id;  // sent back in X-Request-Id
  std::string method, path;
  std::string endpoint = "other";  // the path where it is one of ours
  std::string client;              // address
  int status = 0;
  double seconds = 0;             // from the first byte to the end of the answer
  double audio_seconds = 0;       // of its recording
  double waited = 0, worked = 0;  // seconds in the queue and in the network
  int together = 1;               // recordings that were separated with it
  uint64_t clipped = 0;           // samples
  std::string error;              // what it was told
};

// A name for a request: the client's own where it is 1 to 64 letters, digits and -_. , else 16 random digits.
std::string request_id(const std::string& given);

// One line, key=value or JSON, with a time stamp of UTC in front.
std::string log_line(const RequestRecord& record, bool json);
// The same for what is no request, such as "listening".
std::string log_line(const std::string& event, const std::string& text, bool json);

}  // namespace sunder::serve
