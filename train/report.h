// The metrics of a run: metrics.jsonl, TensorBoard events and curves.png.
#pragma once

#include "report/tensorboard.h"
#include "report/training_curves.h"
#include "train/position.h"
#include "train/run_folder.h"
#include "train/validation.h"

namespace sunder {

class Report {
 public:
  // A run at `position` goes on. Throws Error, like all functions below, if a file cannot be written.
  Report(const RunFolder& folder, const Position& position);

  struct Moment {
    int64_t step, epoch;
    double minutes;
  };
  // Where the run stands after a validation.
  struct Standing {
    bool best;                                   // better than all before it
    double learning_rate;                        // of the steps that follow
    std::string task;                            // what the steps before it trained: "mixpit", then "mixcycle"
    std::optional<ValidationScores> averaged{};  // of the averaged weights (AdamOptions::ema)
  };
  // loss: of this step, per network input.
  void training(const Moment& moment, double loss, double gradient_norm);
  // mean_loss: over the epoch so far. Draws curves.png again.
  void validation(const Moment& moment, double mean_loss, const ValidationScores& scores,
                  const std::optional<Standing>& standing = {});
  // Spectrograms and audio of one mixture and its estimates.
  void example(int64_t step, const ValidationExample& example);

 private:
  void show_training(int64_t step, double loss, double gradient_norm);

  const RunFolder& folder_;
  TensorBoard board_;
};

// What metrics.jsonl says. Rows with "loss" are single steps, the others validations; what a row lacks is NaN.
TrainingHistory read_history(const std::filesystem::path& metrics);

// metrics.jsonl as curves over the steps. Rows with "loss" are single steps, the others validations; what a row lacks
// is left out.
Picture draw_curves(const std::filesystem::path& metrics);

}  // namespace sunder
