// Programs that a signal ends leave no temporary files.
#pragma once

namespace sunder {

// From now on SIGINT, SIGTERM and SIGHUP end the process as usual, but after its temporary files and folders are
// removed (files/temporary.h); a second signal ends it at once. For the beginning of a program: the signals are blocked
// in threads that are started later. A signal that the process ignores or handles stays as it is.
void remove_temporaries_at_signals();

}  // namespace sunder
