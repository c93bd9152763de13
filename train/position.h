// The position of a run: epoch, batch, step and time.
#pragma once

#include "files/settings.h"

namespace sunder {

struct Position {
  int64_t epoch = -1;           // current epoch, from 0; -1 before the first
  int64_t batches_done = 0;     // of this epoch
  bool inside_epoch = false;    // the epoch has begun, here or before a resume, and is not finished
  int64_t steps = 0;            // updates attempted since the start of the run
  int64_t validated_step = -1;  // the step after which the last validation ran
  double minutes = 0;           // of training and validation, before a resume included
  double epoch_loss = 0;        // summed over the epoch's inputs so far
  int64_t epoch_inputs = 0;

  double mean_loss() const;  // of the epoch so far; NaN without inputs
};
// All of it is stored in a checkpoint.
Fields fields(Position& position);

}  // namespace sunder
