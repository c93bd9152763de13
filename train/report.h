// What a run shows of itself: metrics.jsonl, TensorBoard's events and the picture of its curves.
#pragma once

#include "report/tensorboard.h"
#include "train/run_folder.h"
#include "train/validation.h"

namespace sunder {

class Report {
 public:
  // A resumed run goes on after `first_step`. Throws Error, as all that follow, where a file cannot be written.
  Report(const RunFolder& folder, int64_t first_step) : folder_(folder), board_(folder.path(), first_step) {}

  struct Moment {
    int64_t step, epoch;
    double minutes;
  };
  // loss: of this step, dB per network input.
  void training(const Moment& moment, double loss, double gradient_norm);
  // mean_loss: of the epoch up to here. Draws curves.png anew.
  void validation(const Moment& moment, double mean_loss, const ValidationScores& scores);
  // Spectrograms and sounds of one mixture and what the network makes of it.
  void example(int64_t step, const ValidationExample& example);

 private:
  const RunFolder& folder_;
  TensorBoard board_;
};

// metrics.jsonl as curves over the steps: the validations' training loss, SI-SNRi, weaker output, and blind and oracle
// scores where there are any.
Picture draw_curves(const std::filesystem::path& metrics);

}  // namespace sunder
