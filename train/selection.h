// What validations decide: the best checkpoint, the learning-rate schedule and early stopping.
#pragma once

#include <optional>
#include <string>

#include "files/settings.h"

namespace sunder {

// torch's ReduceLROnPlateau without its threshold.
struct PlateauConfig {
  int64_t plateau_patience = 0;
  double plateau_factor = 0.5;
  double min_lr = 0;
};
Fields fields(PlateauConfig& config);

// The scores of one validation from which the best checkpoint can be chosen.
struct SelectionScores {
  double training_loss = 0;  // mean over the epoch
  std::optional<double> si_snri{}, oracle{}, blind{}, loss{};
};

class Selection {
 public:
  // `by`: si_snri, blind, loss or valid_loss. patience: validations without a better score before early stopping; 0:
  // never.
  Selection(std::string by, int64_t patience, double lr, const PlateauConfig& plateau)
      : by_(std::move(by)), patience_(patience), lr_(lr), plateau_(plateau) {}

  struct Verdict {
    bool is_best = false;
    bool lowered = false;  // the learning rate
  };
  Verdict rank(const SelectionScores& scores);

  double learning_rate() const;
  // Validations since the last better score.
  int64_t waited() const { return waited_; }
  bool out_of_patience() const { return patience_ > 0 && waited_ >= patience_; }
  bool rate_is_spent() const { return plateau_.min_lr > 0 && learning_rate() <= plateau_.min_lr; }
  // "12.31 dB", or a loss without a unit; "none" before the first.
  std::string best() const;

  // Its state in a checkpoint.
  Fields state();

 private:
  std::string by_;
  int64_t patience_;
  double lr_;
  PlateauConfig plateau_;
  double best_score_ = 0, best_oracle_ = 0;
  bool has_best_ = false, has_oracle_ = false;
  int64_t waited_ = 0;
  int64_t plateau_waited_ = 0, plateaus_ = 0;
};

}  // namespace sunder
