// Signals as requests to stop: training finishes its step, saves a checkpoint and exits with 75.
#pragma once

namespace sunder {

// From now on the signals that ask a process to end only set a flag: SIGTERM and SIGINT; SIGHUP (a terminal that
// closes); SIGUSR1, SIGUSR2 and SIGXCPU, by which batch systems and limits announce that they will kill. A second
// SIGTERM or SIGINT ends the process as usual; the others come more than once by themselves (a terminal's SIGHUP,
// SIGXCPU every second) and do not. All but SIGTERM and SIGINT stay ignored where they are (nohup).
void watch_stop_signals();
bool stop_requested();
// "SIGTERM", "SIGHUP", ...: the first that was received; "" before.
const char* stop_signal_name();
// Clears a request and restores the signals' default actions.
void unwatch_stop_signals();

}  // namespace sunder
