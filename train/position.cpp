#include "train/position.h"

#include <cmath>

namespace sunder {

double Position::mean_loss() const { return epoch_inputs > 0 ? epoch_loss / static_cast<double>(epoch_inputs) : NAN; }

Fields fields(Position& p) {
  return {number("epoch", &p.epoch, -1, many, "current epoch, from 0"),
          number("batches_done", &p.batches_done, 0, many, "mini-batches done in this epoch"),
          flag("inside_epoch", &p.inside_epoch, "whether an epoch is in progress"),
          number("steps", &p.steps, 0, largest_exact, "updates attempted since the start"),
          number("validated_step", &p.validated_step, -1, largest_exact, "step of the last validation"),
          number("minutes", &p.minutes, 0, many, "minutes of training and validation"),
          number("epoch_loss", &p.epoch_loss, -no_limit, no_limit, "loss summed over the epoch's inputs"),
          number("epoch_inputs", &p.epoch_inputs, 0, largest_exact, "network inputs of the epoch so far")};
}

}  // namespace sunder
