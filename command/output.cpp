#include "command/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace sunder {
namespace {

std::atomic<int> results_error = 0;  // errno of the first result that was lost

void note_results_error() {
  int none = 0;
  results_error.compare_exchange_strong(none, errno != 0 ? errno : EIO);
}

}  // namespace

void write_message(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void write_result(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) note_results_error();
}

std::string lost_results() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) note_results_error();
  std::clearerr(stdout);
  const int error = results_error.exchange(0);
  return error == 0 ? "" : std::strerror(error);
}

void open_standard_streams() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one. Without /dev/null any descriptor keeps others from getting it.
    const int opened = open("/dev/null", O_RDWR);
    [[maybe_unused]] const int taken = opened >= 0 ? opened : open("/", O_RDONLY | O_DIRECTORY);
  }
}

}  // namespace sunder
