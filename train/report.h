// The metrics of a run: metrics.jsonl, TensorBoard events and curves.png.
#pragma once

#include "report/tensorboard.h"
#include "train/run_folder.h"
#include "train/validation.h"

namespace sunder {

class Report {
 public:
  // A resumed run continues after `first_step`. Throws Error, like all functions below, if a file cannot be written.
  Report(const RunFolder& folder, int64_t first_step) : folder_(folder), board_(folder.path(), first_step) {}

  struct Moment {
    int64_t step, epoch;
    double minutes;
  };
  // loss: of this step, dB per network input.
  void training(const Moment& moment, double loss, double gradient_norm);
  // mean_loss: of the epoch so far. Redraws curves.png.
  void validation(const Moment& moment, double mean_loss, const ValidationScores& scores);
  // Spectrograms and audio of one mixture and its estimates.
  void example(int64_t step, const ValidationExample& example);

 private:
  const RunFolder& folder_;
  TensorBoard board_;
};

// metrics.jsonl as curves over the steps: training loss at each validation, SI-SNRi, weaker output, and blind and
// oracle scores where available.
Picture draw_curves(const std::filesystem::path& metrics);

}  // namespace sunder
