// SIGTERM and SIGINT as requests to stop: training finishes its step, saves a checkpoint and exits with 75.
#pragma once

namespace sunder {

// From now on the first SIGTERM or SIGINT only sets a flag; a second one ends the process as usual.
void watch_stop_signals();
bool stop_requested();
// "SIGTERM" or "SIGINT" once received, "" before.
const char* stop_signal_name();
// Clears a request and restores the signals' default actions.
void unwatch_stop_signals();

}  // namespace sunder
