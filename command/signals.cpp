#include "command/signals.h"

#include <csignal>

namespace sunder {

namespace {

struct Watched {
  int number;
  const char* name;
  bool by_hand;  // sent by a person or a service manager, who mean it when they repeat it
};

constexpr Watched all_watched[] = {{SIGTERM, "SIGTERM", true},  {SIGINT, "SIGINT", true},
                                   {SIGHUP, "SIGHUP", false},   {SIGUSR1, "SIGUSR1", false},
                                   {SIGUSR2, "SIGUSR2", false}, {SIGXCPU, "SIGXCPU", false}};

volatile std::sig_atomic_t received = 0;

void on_signal(int number) {
  if (received == 0) received = number;
  if (number != SIGTERM && number != SIGINT) return;
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace

void watch_stop_signals() {
  received = 0;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // reads and writes in progress are not interrupted
  sigfillset(&action.sa_mask);   // of two that wait, the handler of the later one would begin first, and name it
  for (const Watched& watched : all_watched) {
    struct sigaction before = {};
    sigaction(watched.number, nullptr, &before);
    if (watched.by_hand || before.sa_handler != SIG_IGN) sigaction(watched.number, &action, nullptr);
  }
}

bool stop_requested() { return received != 0; }

const char* stop_signal_name() {
  for (const Watched& watched : all_watched)
    if (watched.number == received) return watched.name;
  return "";
}

void unwatch_stop_signals() {
  for (const Watched& watched : all_watched) std::signal(watched.number, SIG_DFL);
  received = 0;
}

}  // namespace sunder
