// SIGTERM and SIGINT as a wish to stop: training ends its step, saves a checkpoint and exits with 75.
#pragma once

namespace sunder {

// From here on the first SIGTERM or SIGINT only sets a flag; a second one ends the process as usual.
void watch_stop_signals();
bool stop_requested();
// "SIGTERM" or "SIGINT" once one came, "" before.
const char* stop_signal_name();
// Forgets a request and gives the signals back their usual meaning.
void unwatch_stop_signals();

}  // namespace sunder
