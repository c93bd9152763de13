// System calls that change names of files, replaced in this test program: each may be the last one of the process, or
// fail.
#pragma once

namespace sunder {

// What happens at the calls that are made from now on.
struct SystemCalls {
  int until = -1;            // calls that work before something happens; -1: nothing ever happens
  bool kill = false;         // the process ends there; otherwise this one call fails with `reason`
  int reason = 0;            // errno
  bool can_exchange = true;  // false: renameat2 knows no RENAME_EXCHANGE, as on some file systems
  int sync_reason = 0;       // errno of all fsync of folders; 0: they work
};
inline SystemCalls system_calls;

}  // namespace sunder
