// Exit codes; scripts rely on these numbers (README, "Exit codes").
#pragma once

#include "tensor/error.h"

namespace sunder {

enum ExitCode : int {
  exit_done = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_input = 3,
  exit_model = 4,
  exit_diverged = 5,
  exit_device = 6,  // also out of memory
  exit_some_failed = 7,
  exit_stopped = 75,  // EX_TEMPFAIL of sysexits.h: run again to resume
};

constexpr ExitCode exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::failure:
      return exit_failed;
    case ErrorKind::usage:
      return exit_usage;
    case ErrorKind::input:
      return exit_input;
    case ErrorKind::model:
      return exit_model;
    case ErrorKind::device:
      return exit_device;
    case ErrorKind::memory:
      return exit_device;
    case ErrorKind::diverged:
      return exit_diverged;
  }
  return exit_failed;
}

}  // namespace sunder
