// How a training run went, as a chart over its steps.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "report/chart.h"

namespace sunder {

struct TrainingHistory {
  struct Loss {
    double step, loss;  // of one step
  };
  // NaN for what a run does not have, or did not write down in older versions.
  struct Validation {
    double step = 0;
    double epoch = NAN, minutes = NAN;
    double train_loss = NAN;             // mean over the steps since the epoch began
    double valid_loss = NAN;             // as the training loss, on the validation set
    double si_snri = NAN, oracle = NAN;  // dB; the oracle is MixIT's, outputs summed in the best way
    double by_bin = NAN;                 // dB, with the best order of the outputs in every frequency bin
    double blind = NAN;                  // dB, without references
    double weaker_to_stronger_db = NAN;  // level of the weaker output against the stronger
    double learning_rate = NAN;          // of the steps that follow
    bool best = false;                   // better than all before it
    std::string task = {};               // what the steps before it trained: "mixpit", then "mixcycle"
  };
  std::vector<Loss> losses = {};
  std::vector<Validation> validations = {};
};

// One panel for each quantity that the run has; lines where the learning rate drops and the task changes; the best
// checkpoint. The training loss breaks where the task changes: losses of two tasks are not one quantity.
Chart training_chart(const std::string& title, const TrainingHistory& history);

struct NamedHistory {
  std::string name;
  TrainingHistory history;
};
// Several runs in one panel for each quantity that any of them has, over their "steps", "epochs" or "minutes"; without
// single steps. Five colours, then the same dashed: at most most_compared_runs. Throws Error for more runs and for
// another axis.
Chart comparison_chart(const std::string& title, const std::vector<NamedHistory>& runs, const std::string& axis);
inline constexpr size_t most_compared_runs = 10;

}  // namespace sunder
