#include "command/cleanup.h"

#include <unistd.h>

#include <csignal>
#include <system_error>
#include <thread>

#include "files/temporary.h"

namespace sunder {

void remove_temporaries_at_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  bool any = false;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    if (sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    sigaddset(&watched, number);
    any = true;
  }
  if (!any) return;
  pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  try {
    // A thread may do what a signal handler must not: wait for locks, read folders.
    std::thread([watched] {
      int number = 0;
      while (sigwait(&watched, &number) != 0) continue;
      pthread_sigmask(SIG_UNBLOCK, &watched, nullptr);
      remove_temporaries();
      kill(getpid(), number);
      while (true) pause();
    }).detach();
  } catch (const std::system_error&) {
    pthread_sigmask(SIG_UNBLOCK, &watched, nullptr);
  }
}

}  // namespace sunder
