#include "command/signals.h"

#include <csignal>

namespace sunder {

namespace {

volatile std::sig_atomic_t received = 0;

void on_signal(int number) {
  received = number;
  // One-shot: both signals return to their default action, so that a second one of either ends the process.
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace

void watch_stop_signals() {
  received = 0;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // reads and writes in progress are not interrupted
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

bool stop_requested() { return received != 0; }

const char* stop_signal_name() { return received == SIGTERM ? "SIGTERM" : received == SIGINT ? "SIGINT" : ""; }

void unwatch_stop_signals() {
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  received = 0;
}

}  // namespace sunder
